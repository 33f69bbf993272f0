//! An access key id and its secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Secret;

/// An access key id and the secret that goes with it.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// `AKIA` (lasting) or `ASIA` (temporary) and 16 letters and digits.
    pub id: String,
    /// 40 characters.
    pub secret: Secret,
}

impl AccessKey {
    /// A random key that lasts until it is deleted.
    pub fn lasting() -> Self {
        Self::random("AKIA")
    }

    /// A random key that is good only together with a session token.
    pub fn temporary() -> Self {
        Self::random("ASIA")
    }

    fn random(prefix: &str) -> Self {
        let id = identifier(prefix, random());
        Self {
            id,
            secret: Secret::new(STANDARD.encode(random::<30>())),
        }
    }
}

/// AWS's form of unique ids: four letters that name the kind, then 16 characters of base 32.
pub(crate) fn identifier(prefix: &str, random: [u8; 16]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letters = random.iter().map(|byte| LETTERS[usize::from(byte % 32)] as char);
    prefix.chars().chain(letters).collect()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has a source of randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_form_of_aws() {
        let (key, other) = (AccessKey::lasting(), AccessKey::lasting());
        assert_ne!(key.id, other.id);
        assert_ne!(key.secret.reveal(), other.secret.reveal());
        assert!(key.id.starts_with("AKIA") && key.id.len() == 20, "{}", key.id);
        assert!(AccessKey::temporary().id.starts_with("ASIA"));
        assert_eq!(key.secret.reveal().len(), 40);
        assert!(!format!("{key:?}").contains(key.secret.reveal()));
    }
}
