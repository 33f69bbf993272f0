//! The documents of layers.

use bytes::Bytes;
use hearth_store::{Document, Key, Kind, StoreError};
use hearth_types::{LayerArn, LayerVersionArn};
use hearth_wire::Context;
use hearth_wire::lambda::Architecture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::policy::LayerPolicy;
use crate::function::Code;

/// The kind of a version's document.
pub(super) const KIND: Kind = Kind::new("layer-version");
/// The kind of the document that remembers a layer's last number.
pub(super) const COUNTER: Kind = Kind::new("layer");

/// A version of a layer: immutable, but for its policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LayerVersion {
    /// Its name.
    pub(crate) arn: LayerVersionArn,
    /// Its content.
    pub(crate) code: Code,
    /// When it was published, as the API writes it.
    pub(crate) created: String,
    /// Free text.
    pub(crate) description: String,
    /// Free text, an SPDX identifier or a link.
    pub(crate) license: Option<String>,
    /// What it is meant for; of no effect but on lists.
    pub(crate) architectures: Option<Vec<Architecture>>,
    /// The same.
    pub(crate) runtimes: Option<Vec<String>>,
    /// Who may use it beside its account.
    pub(crate) policy: Option<LayerPolicy>,
}

/// How far a layer has counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Counter {
    pub(super) arn: LayerArn,
    /// The last version's number.
    pub(super) last: u64,
}

impl LayerVersion {
    /// Whether another account, which asks, may use it.
    pub(crate) fn permits(&self, ctx: &Context) -> bool {
        let policy = self.policy.as_ref();
        policy.is_some_and(|policy| policy.permits(ctx, &self.arn))
    }

    pub(super) fn key(&self) -> Key {
        key(&self.arn)
    }
}

impl Counter {
    pub(super) fn key(&self) -> Key {
        Key::new(self.arn.scope.clone(), COUNTER, self.arn.name.as_str())
    }
}

/// The key of a version's document.
pub(super) fn key(arn: &LayerVersionArn) -> Key {
    let LayerVersionArn { layer, version } = arn;
    Key::new(layer.scope.clone(), KIND, format!("{}:{version}", layer.name))
}

/// A document's body.
pub(super) fn body(record: &impl Serialize) -> Bytes {
    serde_json::to_vec(record)
        .expect("a layer has no key that is not a text")
        .into()
}

/// What a document holds.
pub(super) fn read<T: DeserializeOwned>(document: &Document) -> Result<T, StoreError> {
    serde_json::from_slice(&document.body)
        .map_err(|error| StoreError::Corrupt(format!("{}: {error}", document.key)))
}
