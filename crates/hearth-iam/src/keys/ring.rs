//! The lasting access keys of this installation, in memory.

use std::collections::HashMap;

use hearth_store::Documents;

use super::record::{self, KIND, KeyError};
use crate::Sealer;
use crate::identity::Identity;

/// All access keys as they were when the ring was loaded.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    identities: HashMap<String, Identity>,
}

impl KeyRing {
    /// Reads and unseals every access key of the store.
    pub async fn load(store: &dyn Documents, sealer: &Sealer) -> Result<Self, KeyError> {
        let mut identities = HashMap::new();
        for document in store.list_all(KIND).await? {
            let key = record::read(&document, sealer)?;
            identities.insert(key.id.clone(), Identity::root(document.key.scope.account, &key));
        }
        Ok(Self { identities })
    }

    /// A ring of one key.
    #[cfg(test)]
    pub(crate) fn of(account: hearth_types::AccountId, key: &crate::AccessKey) -> Self {
        Self {
            identities: HashMap::from([(key.id.clone(), Identity::root(account, key))]),
        }
    }

    /// Whose key this is.
    pub(crate) fn get(&self, access_key_id: &str) -> Option<&Identity> {
        self.identities.get(access_key_id)
    }
}
