//! Recomputing a signature.

use bytes::Bytes;

use super::chunked::Chain;
use super::key::string_to_sign;
use super::payload::Payload;
use super::{Presented, Request, Rules, SignatureError, SigningKey, canonical};
use crate::hex;

impl Presented {
    /// Compares the signature with the one `key` makes, and verifies the body with it. The answer is the
    /// body without its `aws-chunked` framing, if it has one. Only after [`Presented::check`].
    pub fn verify(
        &self,
        request: &Request<'_>,
        rules: &Rules,
        key: &SigningKey,
    ) -> Result<Option<Bytes>, SignatureError> {
        let presigned = self.lifetime.is_some();
        let payload = Payload::read(request, presigned, rules)?;
        let canonical = canonical::request(request, &self.signed_headers, &payload.digest, presigned, rules)?;
        let (date, scope) = (self.date.as_str(), self.credential.scope());
        if !key.verifies(&string_to_sign(date, scope, &canonical), &self.signature) {
            return Err(SignatureError::Mismatch);
        }
        let previous = hex::encode(self.signature);
        payload.framing.decode(
            request,
            Some(Chain {
                key,
                date,
                scope,
                previous,
            }),
        )
    }
}
