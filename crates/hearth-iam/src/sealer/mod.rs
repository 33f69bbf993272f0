//! Sealing: what is secret at rest is encrypted with a key that is not in the database.
//!
//! A sealed text is `v1.<key id>.<base64url of nonce and ciphertext>`. It opens only in the context it was
//! sealed for, so that it cannot be moved to another function or record. The id of the key tells which
//! key a text needs, so that keys can be changed one text at a time.

mod key_file;

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Generate as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

pub use key_file::KeyFileError;

use crate::hex;

const VERSION: &str = "v1";
const NONCE: usize = 24;

/// Seals and unseals with the key of this installation.
pub struct Sealer {
    key_id: String,
    cipher: XChaCha20Poly1305,
}

/// Why a sealed text does not open.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// It was sealed with a key that is not here.
    #[error("sealed with key {0}, which is not this installation's: restore the key file from a backup")]
    OtherKey(String),
    /// It was changed, or it belongs to another context.
    #[error("the sealed text is damaged or belongs elsewhere")]
    Invalid,
}

impl Sealer {
    /// Opens the key file in a directory (created with mode 0700), made with a random key the first time.
    pub fn open(directory: &Path) -> Result<Self, KeyFileError> {
        key_file::open(directory).map(|key| Self::with_key(&key))
    }

    /// A key that lives as long as this value, for state that does not outlive the process either.
    pub fn ephemeral() -> Self {
        Self::with_key(&key_file::random())
    }

    fn with_key(key: &[u8; 32]) -> Self {
        let digest = Sha256::new()
            .chain_update(b"hearth seal key id")
            .chain_update(key)
            .finalize();
        Self {
            key_id: hex::encode(&digest[..4]),
            cipher: XChaCha20Poly1305::new(key.into()),
        }
    }

    /// Seals bytes for a context: any text that names where they belong, such as a function's ARN.
    pub fn seal(&self, plain: &[u8], context: &str) -> String {
        // 24 random bytes never repeat in practice, however much is sealed with one key.
        let nonce = XNonce::generate();
        let payload = Payload {
            msg: plain,
            aad: context.as_bytes(),
        };
        let sealed = self
            .cipher
            .encrypt(&nonce, payload)
            .expect("what fits into memory can be sealed");
        let body = URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat());
        format!("{VERSION}.{}.{body}", self.key_id)
    }

    /// Opens what [`Sealer::seal`] made for the same context.
    pub fn unseal(&self, sealed: &str, context: &str) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let mut parts = sealed.split('.');
        let (Some(VERSION), Some(key_id), Some(body), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(UnsealError::Invalid);
        };
        if key_id != self.key_id {
            return Err(UnsealError::OtherKey(key_id.to_owned()));
        }
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| UnsealError::Invalid)?;
        let (nonce, sealed) = body.split_first_chunk::<NONCE>().ok_or(UnsealError::Invalid)?;
        let payload = Payload {
            msg: sealed,
            aad: context.as_bytes(),
        };
        let plain = self.cipher.decrypt(&XNonce::from(*nonce), payload);
        plain.map(Zeroizing::new).map_err(|_| UnsealError::Invalid)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({})", self.key_id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_same_text_is_never_sealed_alike() {
        let sealer = Sealer::ephemeral();
        assert_ne!(sealer.seal(b"plain", "context"), sealer.seal(b"plain", "context"));
    }

    #[test]
    fn another_key_is_named() {
        let sealer = Sealer::ephemeral();
        let sealed = sealer.seal(b"plain", "context");
        let error = Sealer::ephemeral().unseal(&sealed, "context").unwrap_err();
        assert_eq!(error, UnsealError::OtherKey(sealer.key_id));
    }

    #[test]
    fn the_key_is_not_printed() {
        let key = [7; 32];
        assert_eq!(
            format!("{:?}", Sealer::with_key(&key)),
            format!("Sealer({})", Sealer::with_key(&key).key_id)
        );
    }

    proptest! {
        #[test]
        fn only_the_same_context_opens(plain: Vec<u8>, context: String, other: String) {
            let sealer = Sealer::ephemeral();
            let sealed = sealer.seal(&plain, &context);
            let opened = sealer.unseal(&sealed, &context).unwrap();
            prop_assert_eq!(&*opened, &plain);
            prop_assert_eq!(sealer.unseal(&sealed, &other).is_ok(), context == other);
        }

        #[test]
        fn a_changed_character_is_noticed(plain: Vec<u8>, place: prop::sample::Index, to in "[ -~]") {
            let sealer = Sealer::ephemeral();
            let sealed = sealer.seal(&plain, "context");
            let place = place.index(sealed.len());
            let mut changed = sealed.clone();
            changed.replace_range(place..=place, &to);
            prop_assert_eq!(sealer.unseal(&changed, "context").is_ok(), changed == sealed);
        }

        #[test]
        fn any_text_is_opened_or_refused(text in "(v1)?\\.?[0-9a-f]{0,8}\\.?.{0,60}") {
            let sealer = Sealer::ephemeral();
            let text = text.replace("key", &sealer.key_id);
            prop_assert!(sealer.unseal(&text, "context").is_err());
        }
    }
}
