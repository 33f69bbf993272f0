//! A function as it is kept in the store: everything the API shows of it, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use hearth_iam::policy::ResourcePolicy;
use hearth_store::{Document, Key, Kind, StoreError};
use hearth_types::{CodeHash, FunctionArn, FunctionName, NetworkPolicy, Qualifier, Scope, time};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::code::Accepted;
use crate::lifecycle::Lifecycle;
use crate::settings::Settings;

/// The kind of the documents that hold `$LATEST`.
pub(crate) const KIND: Kind = Kind::new("function");
/// The kind of the documents that hold published versions.
pub(crate) const VERSION_KIND: Kind = Kind::new("function-version");

/// One state of a function: the unpublished one, `$LATEST`, which updates change, or a published version, whose code
/// and configuration stay as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Function {
    /// Account and region.
    pub(crate) scope: Scope,
    /// Its name, unique in the scope.
    pub(crate) name: FunctionName,
    /// `$LATEST` or the number of a version.
    #[serde(default)]
    pub(crate) version: Qualifier,
    /// Where it is in its life.
    pub(crate) lifecycle: Lifecycle,
    /// Changes with everything the API shows under `Configuration`.
    pub(crate) revision_id: Uuid,
    /// When code or configuration changed last, as the API writes it.
    pub(crate) last_modified: String,
    /// Its code package.
    pub(crate) code: Code,
    /// The folder that is its code instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) folder: Option<String>,
    /// Its configuration.
    pub(crate) settings: Settings,
    /// Who else may use it. An alias has a policy of its own.
    #[serde(default)]
    pub(crate) policy: ResourcePolicy,
    /// What belongs to all its states together.
    #[serde(flatten)]
    pub(crate) whole: Whole,
}

/// What belongs to a function as a whole: kept with `$LATEST`, empty in versions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Whole {
    /// Its tags.
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    /// Reserved concurrency, where there is a reservation.
    #[serde(default)]
    pub(crate) reserved_concurrency: Option<u32>,
    /// The highest number that a version was ever given. None is given twice.
    #[serde(default)]
    pub(crate) last_version: u64,
    /// The version that was published of `$LATEST` as it is now.
    #[serde(default)]
    pub(crate) published: Option<u64>,
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
    pub(crate) fn new(arn: FunctionArn, accepted: Accepted, settings: Settings, now: SystemTime) -> Self {
        Self {
            scope: arn.scope,
            name: arn.name,
            version: Qualifier::Latest,
            lifecycle: Lifecycle::Creating,
            revision_id: Uuid::new_v4(),
            last_modified: time::last_modified(now),
            code: accepted.code,
            folder: accepted.folder,
            settings,
            policy: ResourcePolicy::default(),
            whole: Whole::default(),
        }
    }

    /// Publishes `$LATEST` as it is now under the next number. The version begins its life in `lifecycle`.
    pub(crate) fn publish(
        &mut self,
        description: Option<String>,
        lifecycle: Lifecycle,
        now: SystemTime,
    ) -> Self {
        self.whole.last_version += 1;
        self.whole.published = Some(self.whole.last_version);
        let mut version = Self {
            version: Qualifier::Version(self.whole.last_version),
            lifecycle,
            revision_id: Uuid::new_v4(),
            last_modified: time::last_modified(now),
            policy: ResourcePolicy::default(),
            whole: Whole::default(),
            ..self.clone()
        };
        if let Some(description) = description {
            version.settings.description = description;
        }
        version
    }

    /// The unqualified ARN.
    pub(crate) fn arn(&self) -> FunctionArn {
        FunctionArn::new(self.scope.clone(), self.name.clone())
    }

    /// The document's key.
    pub(crate) fn key(&self) -> Key {
        match self.version {
            Qualifier::Version(number) => version_key(&self.arn(), number),
            Qualifier::Latest | Qualifier::Alias(_) => key(&self.arn()),
        }
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

    /// Whether what runs is the same, whatever else has changed.
    pub(crate) fn runs_as(&self, other: &Self) -> bool {
        let network = |function: &Self| function.whole.tags.get(NetworkPolicy::TAG).cloned();
        self.code == other.code && self.settings == other.settings && network(self) == network(other)
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

/// The key of a version's document. Keys of one function's versions stand together, in the order of their numbers.
pub(crate) fn version_key(arn: &FunctionArn, number: u64) -> Key {
    Key::new(arn.scope.clone(), VERSION_KIND, version_id(arn, number))
}

/// The identifier of a version's document.
pub(crate) fn version_id(arn: &FunctionArn, number: u64) -> String {
    format!("{}:{number:020}", arn.name)
}
