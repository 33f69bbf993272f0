//! An access key as it is stored: its secret sealed, bound to its id and account.

use hearth_store::{Document, Key, Kind, StoreError};
use hearth_types::{AccountId, Region, Scope};
use serde::{Deserialize, Serialize};

use super::AccessKey;
use crate::{Sealer, Secret, UnsealError};

/// The kind of these documents.
pub(super) const KIND: Kind = Kind::new("access-key");

/// Access keys cannot be read or stored.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret does not open.
    #[error("access key {id}: {source}")]
    Sealed {
        /// The access key's id.
        id: String,
        /// Why.
        source: UnsealError,
    },
    /// A document is not an access key.
    #[error("access key {id} is stored in a form this version does not read")]
    Unreadable {
        /// The access key's id.
        id: String,
    },
}

/// The body of the document.
#[derive(Serialize, Deserialize)]
struct Record {
    owner: Owner,
    secret: String,
}

/// Whose key it is, within the account of the document.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Owner {
    Root,
}

/// The document's name. Identities belong to no region, so all of them are kept under the default one.
pub(super) fn key(account: AccountId, id: &str) -> Key {
    Key::new(
        Scope {
            account,
            region: Region::default(),
        },
        KIND,
        id,
    )
}

/// The document's body for a key of the account itself.
pub(super) fn write_root(account: AccountId, key: &AccessKey, sealer: &Sealer) -> Vec<u8> {
    let secret = sealer.seal(key.secret.reveal().as_bytes(), &context(account, &key.id));
    serde_json::to_vec(&Record {
        owner: Owner::Root,
        secret,
    })
    .expect("texts are JSON")
}

/// Reads a key back.
pub(super) fn read(document: &Document, sealer: &Sealer) -> Result<AccessKey, KeyError> {
    let id = document.key.id.clone();
    let unreadable = || KeyError::Unreadable { id: id.clone() };
    let Record {
        owner: Owner::Root,
        secret,
    } = serde_json::from_slice(&document.body).map_err(|_| unreadable())?;
    let secret = sealer
        .unseal(&secret, &context(document.key.scope.account, &id))
        .map_err(|source| KeyError::Sealed {
            id: id.clone(),
            source,
        })?;
    let secret = str::from_utf8(&secret).map_err(|_| unreadable())?.to_owned();
    Ok(AccessKey {
        id,
        secret: Secret::new(secret),
    })
}

fn context(account: AccountId, id: &str) -> String {
    format!("access key {id} of {account}")
}
