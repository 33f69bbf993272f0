//! All layers in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use hearth_types::{CodeHash, LayerArn, LayerName, LayerVersionArn, Scope};
use hearth_wire::lambda::Architecture;

use super::record::{Counter, LayerVersion};

/// Layers and their versions, each with the revision of its document.
#[derive(Debug, Default)]
pub(super) struct Shelf(BTreeMap<LayerArn, Layer>);

#[derive(Debug, Default)]
struct Layer {
    /// The last version's number and the revision of the document that remembers it.
    last: Option<(u64, u64)>,
    versions: BTreeMap<u64, (Arc<LayerVersion>, u64)>,
}

/// Which versions a list shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Those that name this runtime.
    pub(crate) runtime: Option<String>,
    /// Those that name this architecture.
    pub(crate) architecture: Option<Architecture>,
}

impl Filter {
    /// Whether a version is shown.
    pub(crate) fn admits(&self, version: &LayerVersion) -> bool {
        names(version.runtimes.as_deref(), self.runtime.as_ref())
            && names(version.architectures.as_deref(), self.architecture.as_ref())
    }
}

fn names<T: PartialEq>(listed: Option<&[T]>, wanted: Option<&T>) -> bool {
    wanted.is_none_or(|wanted| listed.is_some_and(|listed| listed.contains(wanted)))
}

impl Shelf {
    pub(super) fn count(&mut self, counter: &Counter, revision: u64) {
        self.0.entry(counter.arn.clone()).or_default().last = Some((counter.last, revision));
    }

    pub(super) fn put(&mut self, version: LayerVersion, revision: u64) {
        let LayerVersionArn {
            layer,
            version: number,
        } = version.arn.clone();
        let versions = &mut self.0.entry(layer).or_default().versions;
        versions.insert(number, (Arc::new(version), revision));
    }

    pub(super) fn remove(&mut self, arn: &LayerVersionArn) {
        if let Some(layer) = self.0.get_mut(&arn.layer) {
            layer.versions.remove(&arn.version);
        }
    }

    /// The last version's number that a layer ever had, and the revision of its document.
    pub(super) fn last(&self, layer: &LayerArn) -> Option<(u64, u64)> {
        self.0.get(layer)?.last
    }

    pub(super) fn find(&self, arn: &LayerVersionArn) -> Option<(Arc<LayerVersion>, u64)> {
        self.0.get(&arn.layer)?.versions.get(&arn.version).cloned()
    }

    pub(super) fn versions(&self, layer: &LayerArn) -> Vec<Arc<LayerVersion>> {
        let versions = self.0.get(layer).into_iter().flat_map(Layer::newest_first);
        versions.cloned().collect()
    }

    pub(super) fn latest(&self, scope: &Scope, filter: &Filter) -> Vec<(LayerName, Arc<LayerVersion>)> {
        self.of(scope)
            .filter_map(|(arn, layer)| {
                let latest = layer.newest_first().find(|version| filter.admits(version))?;
                Some((arn.name.clone(), Arc::clone(latest)))
            })
            .collect()
    }

    pub(super) fn code_bytes(&self, scope: &Scope) -> u64 {
        let versions = self.of(scope).flat_map(|(_, layer)| layer.newest_first());
        versions.map(|version| version.code.size).sum()
    }

    pub(super) fn packages(&self) -> Vec<CodeHash> {
        let versions = self.0.values().flat_map(Layer::newest_first);
        versions.map(|version| version.code.hash).collect()
    }

    fn of(&self, scope: &Scope) -> impl Iterator<Item = (&LayerArn, &Layer)> {
        self.0.iter().filter(move |(arn, _)| arn.scope == *scope)
    }
}

impl Layer {
    fn newest_first(&self) -> impl Iterator<Item = &Arc<LayerVersion>> {
        self.versions.values().rev().map(|(version, _)| version)
    }
}
