//! The authenticator of a server that trusts nobody unproven.

use std::sync::Arc;

use bytes::Bytes;
use hearth_types::{Region, Scope};
use hearth_wire::{Authenticated, Authenticator, AwsError, Caller, SignedRequest};

use super::refusal::Refusal;
use super::{permission, signed};
use crate::identity::Identity;
use crate::sessions::SessionError;
use crate::sigv4::{Presented, Request, Rules, SignatureError, SigningKey, SigningKeys};
use crate::{KeyRing, Secret, SessionIssuer};

/// One key for each of some thousand environments and a good number of clients.
const SIGNING_KEYS: usize = 16_384;

/// Takes requests that are signed with a key of this installation, or with session credentials it issued.
#[derive(Debug)]
pub struct Verified {
    ring: KeyRing,
    sessions: SessionIssuer,
    signing_keys: SigningKeys,
}

impl Verified {
    /// Recognises the keys of the ring and the sessions of the issuer.
    pub fn new(ring: KeyRing, sessions: SessionIssuer) -> Self {
        Self {
            ring,
            sessions,
            signing_keys: SigningKeys::new(SIGNING_KEYS),
        }
    }

    /// Whom a request claims to come from. Nothing but the signature is missing to believe it.
    fn recognise(&self, request: &SignedRequest<'_>) -> Result<(Presented, Identity), Refusal> {
        let presented = Presented::read(&signed(request))?.ok_or(Refusal::Unsigned)?;
        presented.check(request.headers, &Rules::of(request.service), request.now)?;
        let identity = self.identify(&presented, request)?;
        Ok((presented, identity))
    }

    /// Whom the head of a request claims to come from, if he may do what it asks for.
    pub(super) fn expect(&self, head: &SignedRequest<'_>) -> Result<Arc<Caller>, Refusal> {
        let (_, Identity { caller, .. }) = self.recognise(head)?;
        permission::check(&caller, head.service, head.operation)?;
        Ok(caller)
    }

    fn verify(&self, request: &SignedRequest<'_>) -> Result<Authenticated, Refusal> {
        let (presented, Identity { secret, caller }) = self.recognise(request)?;
        let region = region(&presented)?;
        let (signed, rules) = (signed(request), Rules::of(request.service));
        let body = self.verify_signature(&presented, &signed, &rules, &secret)?;
        permission::check(&caller, request.service, request.operation)?;
        Ok(Authenticated {
            scope: Scope {
                account: caller.account,
                region,
            },
            caller,
            body,
        })
    }

    fn identify(&self, presented: &Presented, request: &SignedRequest<'_>) -> Result<Identity, SessionError> {
        let access_key = presented.credential().access_key();
        match (self.ring.get(access_key), presented.token()) {
            (Some(identity), None) => Ok(identity.clone()),
            (None, Some(token)) => self.sessions.resolve(access_key, token, request.now),
            _ => Err(SessionError::Unknown),
        }
    }

    fn verify_signature(
        &self,
        presented: &Presented,
        request: &Request<'_>,
        rules: &Rules,
        secret: &Secret,
    ) -> Result<Option<Bytes>, SignatureError> {
        let credential = presented.credential();
        if let Some(key) = self.signing_keys.get(credential) {
            return presented.verify(request, rules, &key);
        }
        let key = SigningKey::derive(secret, credential);
        let body = presented.verify(request, rules, &key)?;
        self.signing_keys.remember(credential, key);
        Ok(body)
    }
}

impl Authenticator for Verified {
    fn authenticate(&self, request: &SignedRequest<'_>) -> Result<Authenticated, AwsError> {
        Ok(self.verify(request)?)
    }

    fn admit(&self, head: &SignedRequest<'_>) -> Result<(), AwsError> {
        self.expect(head)?;
        Ok(())
    }
}

fn region(presented: &Presented) -> Result<Region, SignatureError> {
    let region = presented.credential().region();
    Region::parse(region).map_err(|_| {
        SignatureError::Invalid(format!(
            "Credential should be scoped to a valid region, not '{region}'."
        ))
    })
}
