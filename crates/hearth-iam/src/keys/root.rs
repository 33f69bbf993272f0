//! The access key of the account itself.

use hearth_store::{Store, Unit, When};
use hearth_types::AccountId;

use super::AccessKey;
use super::record::{self, KIND, KeyError};
use crate::Sealer;

/// The account's own access key.
#[derive(Clone, Debug)]
pub struct RootKey {
    /// The key.
    pub key: AccessKey,
    /// Whether it was made just now.
    pub created: bool,
}

/// Finds the account's access key, or makes and stores one.
pub async fn ensure_root(
    store: &dyn Store,
    sealer: &Sealer,
    account: AccountId,
) -> Result<RootKey, KeyError> {
    let documents = store.list_all(KIND).await?;
    if let Some(document) = documents
        .iter()
        .find(|document| document.key.scope.account == account)
    {
        return Ok(RootKey {
            key: record::read(document, sealer)?,
            created: false,
        });
    }
    let key = AccessKey::lasting();
    let body = record::write_root(account, &key, sealer);
    store
        .commit(Unit::new().put(record::key(account, &key.id), body, When::Absent))
        .await?;
    Ok(RootKey { key, created: true })
}

#[cfg(test)]
mod tests {
    use hearth_store::sqlite::{Options, SqliteStore};

    use super::*;
    use crate::keys::KeyRing;

    #[tokio::test]
    async fn the_key_is_made_once_and_kept_sealed() {
        let directory = tempfile::tempdir().unwrap();
        let (sealer, account) = (Sealer::ephemeral(), AccountId::DEFAULT);
        let store = SqliteStore::open(directory.path(), &Options::default()).unwrap();
        let made = ensure_root(&*store, &sealer, account).await.unwrap();
        assert!(made.created);
        let documents = hearth_store::Documents::list_all(&*store, KIND).await.unwrap();
        let stored = String::from_utf8(documents[0].body.to_vec()).unwrap();
        assert!(!stored.contains(made.key.secret.reveal()), "{stored}");
        drop(store);

        let store = SqliteStore::open(directory.path(), &Options::default()).unwrap();
        let found = ensure_root(&*store, &sealer, account).await.unwrap();
        assert!(!found.created);
        assert_eq!(found.key.id, made.key.id);
        assert_eq!(found.key.secret.reveal(), made.key.secret.reveal());
        let ring = KeyRing::load(&*store, &sealer).await.unwrap();
        assert_eq!(
            ring.get(&made.key.id).unwrap().secret.reveal(),
            made.key.secret.reveal()
        );

        let other = AccountId::parse("123456789012").unwrap();
        assert!(
            ensure_root(&*store, &sealer, other).await.unwrap().created,
            "each account has its own"
        );
        let error = KeyRing::load(&*store, &Sealer::ephemeral()).await.unwrap_err();
        assert!(matches!(error, KeyError::Sealed { .. }), "{error}");
    }
}
