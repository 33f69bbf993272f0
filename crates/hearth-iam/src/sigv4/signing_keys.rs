//! Derived signing keys, kept so that a client's next request costs one HMAC instead of five.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{Credential, SigningKey};

/// A bounded cache of signing keys by credential (access key, day, region, service).
///
/// Two generations: when the young one is full it becomes the old one, and what nobody asked for since
/// is forgotten. Only keys that verified a request belong in here, so strangers cannot push entries out.
#[derive(Debug)]
pub struct SigningKeys {
    generations: Mutex<Generations>,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<String, SigningKey>,
    old: HashMap<String, SigningKey>,
}

impl SigningKeys {
    /// A cache of at most `capacity` keys.
    pub fn new(capacity: usize) -> Self {
        Self {
            generations: Mutex::default(),
            capacity,
        }
    }

    /// The key for a credential, if it is here.
    pub fn get(&self, credential: &Credential) -> Option<SigningKey> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = generations.young.get(credential.as_str()) {
            return Some(key.clone());
        }
        let (name, key) = generations.old.remove_entry(credential.as_str())?;
        generations.insert(name, key.clone(), self.capacity / 2);
        Some(key)
    }

    /// Keeps the key of a credential.
    pub fn remember(&self, credential: &Credential, key: SigningKey) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.insert(credential.as_str().to_owned(), key, self.capacity / 2);
    }
}

impl Generations {
    fn insert(&mut self, name: String, key: SigningKey, half: usize) {
        if self.young.len() >= half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(name, key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    #[test]
    fn it_keeps_what_is_used_and_never_grows_past_its_bound() {
        let keys = SigningKeys::new(8);
        let secret = Secret::new("secret".into());
        let credential = |number: usize| Credential::new(&number.to_string(), "20260101", "r", "s");
        let key = SigningKey::derive(&secret, &credential(0));
        for number in 0..100 {
            keys.remember(&credential(number), key.clone());
            assert!(
                keys.get(&credential(0)).is_some(),
                "used between any two insertions"
            );
            let generations = keys.generations.lock().unwrap();
            assert!(generations.young.len() + generations.old.len() <= 8);
        }
        assert!(keys.get(&credential(50)).is_none());
    }
}
