//! AWS Signature Version 4, without I/O and without knowledge of identities.
//!
//! A request carries its signature in the `Authorization` header or, presigned, in the query.
//! [`Presented::read`] takes it out, [`Presented::check`] applies the rules that need no secret
//! (time, scope, which headers must be signed) and [`Presented::verify`] recomputes the signature
//! from the signing key and decodes an `aws-chunked` body. [`Signer`] makes signatures.

mod authorization;
mod canonical;
mod chunked;
mod claimed;
mod credential;
mod date;
mod error;
mod key;
mod payload;
mod presented;
mod presigned;
mod rules;
mod sign;
mod signing_keys;
#[cfg(test)]
mod tests;
mod verify;

use std::fmt;

use http::{HeaderMap, Method, Uri};

pub use claimed::Claimed;
pub use credential::Credential;
pub use error::SignatureError;
pub use key::SigningKey;
pub use payload::decode_unverified;
pub use presented::Presented;
pub use rules::Rules;
pub use sign::Signer;
pub use signing_keys::SigningKeys;

/// The only signing algorithm here.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A request as it was received: nothing decoded, nothing normalised.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// The request target.
    pub uri: &'a Uri,
    /// All header fields.
    pub headers: &'a HeaderMap,
    /// The whole body.
    pub body: &'a [u8],
}

/// Without target, headers and body: they hold tokens and signatures that are still good.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", self.method)
            .finish_non_exhaustive()
    }
}
