//! A function as it is kept in the store: everything the API shows of it, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use hearth_store::{Document, Key, Kind, StoreError};
use hearth_types::{CodeHash, FunctionArn, FunctionName, Scope, time};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::lifecycle::Lifecycle;
use crate::settings::Settings;

/// The kind of these documents.
pub(crate) const KIND: Kind = Kind::new("function");

/// A function and its unpublished state, `$LATEST`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Function {
    /// Account and region.
    pub(crate) scope: Scope,
    /// Its name, unique in the scope.
    pub(crate) name: FunctionName,
    /// Where it is in its life.
    pub(crate) lifecycle: Lifecycle,
    /// Changes with everything the API shows under `Configuration`.
    pub(crate) revision_id: Uuid,
    /// When code or configuration changed last, as the API writes it.
    pub(crate) last_modified: String,
    /// Its code package.
    pub(crate) code: Code,
    /// Its configuration.
    pub(crate) settings: Settings,
    /// Its tags.
    pub(crate) tags: BTreeMap<String, String>,
    /// Reserved concurrency, where there is a reservation.
    pub(crate) reserved_concurrency: Option<u32>,
}

/// A code package in the blob store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Code {
    /// Names the blob.
    pub(crate) hash: CodeHash,
    /// Bytes of the zip file.
    pub(crate) size: u64,
    /// Bytes of what is in it; 0 where that was not recorded.
    #[serde(default)]
    pub(crate) unpacked: u64,
}

/// The names of the packages and merged trees that a function needs on disk.
pub(crate) type Packages = Arc<[CodeHash]>;

/// A function together with the store's revision of it.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) function: Function,
    pub(crate) revision: u64,
}

impl Function {
    /// A function that was never ready yet.
    pub(crate) fn new(arn: FunctionArn, code: Code, settings: Settings, now: SystemTime) -> Self {
        Self {
            scope: arn.scope,
            name: arn.name,
            lifecycle: Lifecycle::Creating,
            revision_id: Uuid::new_v4(),
            last_modified: time::last_modified(now),
            code,
            settings,
            tags: BTreeMap::new(),
            reserved_concurrency: None,
        }
    }

    /// The unqualified ARN.
    pub(crate) fn arn(&self) -> FunctionArn {
        FunctionArn::new(self.scope.clone(), self.name.clone())
    }

    /// The document's key.
    pub(crate) fn key(&self) -> Key {
        key(&self.arn())
    }

    /// What it needs on disk: its code, each of its layers, and what these are merged into.
    pub(crate) fn packages(&self) -> Packages {
        let layers: Vec<CodeHash> = self.settings.layers.iter().map(|layer| layer.code.hash).collect();
        let merged = (!layers.is_empty()).then(|| hearth_store::merged(&layers));
        [self.code.hash].into_iter().chain(layers).chain(merged).collect()
    }

    /// The document's body.
    pub(crate) fn to_body(&self) -> Bytes {
        serde_json::to_vec(self)
            .expect("a function has no key that is not a text")
            .into()
    }

    /// Enters another state of its life, which is a new revision.
    pub(crate) fn enter(&mut self, lifecycle: Lifecycle) {
        self.lifecycle = lifecycle;
        self.revision_id = Uuid::new_v4();
    }
}

impl TryFrom<Document> for Stored {
    type Error = StoreError;

    fn try_from(document: Document) -> Result<Self, StoreError> {
        let function = serde_json::from_slice(&document.body)
            .map_err(|error| StoreError::Corrupt(format!("{}: {error}", document.key)))?;
        Ok(Self {
            function,
            revision: document.revision,
        })
    }
}

/// The key of a function's document.
pub(crate) fn key(arn: &FunctionArn) -> Key {
    Key::new(arn.scope.clone(), KIND, arn.name.as_str())
}
