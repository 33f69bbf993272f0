//! Signing keys: what a secret becomes for one day, region and service.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::{ALGORITHM, Credential};
use crate::{Secret, hex};

/// A derived key, ready to sign without touching the secret again.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// Derives the key for the credential's day, region and service.
    pub fn derive(secret: &Secret, credential: &Credential) -> Self {
        let start = zeroize::Zeroizing::new(format!("AWS4{}", secret.reveal()));
        let mut key = keyed(start.as_bytes());
        for part in credential.scope().split('/') {
            key = keyed(&key.chain_update(part).finalize().into_bytes());
        }
        Self(key)
    }

    /// Signs the digest of a canonical request.
    pub(super) fn sign(&self, text: &str) -> String {
        hex::encode(self.0.clone().chain_update(text).finalize().into_bytes())
    }

    /// Compares in constant time.
    pub(super) fn verifies(&self, text: &str, signature: &[u8; 32]) -> bool {
        self.0.clone().chain_update(text).verify_slice(signature).is_ok()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

/// What is signed for a whole request.
pub(super) fn string_to_sign(date: &str, scope: &str, canonical_request: &[u8]) -> String {
    format!("{ALGORITHM}\n{date}\n{scope}\n{}", sha256(canonical_request))
}

/// SHA-256 in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}
