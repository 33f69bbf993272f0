//! Layers: what functions share.
//!
//! Each version is a document of its own, and beside them one document per layer remembers the last version's number,
//! which outlives all versions. A shelf in memory shows both, so that nothing here reads the store after the start;
//! only whoever holds the service's turn changes it.

mod change;
mod error;
mod policy;
mod record;
mod shelf;
mod show;
mod used;

use std::sync::{Arc, Mutex, MutexGuard};

use hearth_store::{Store, StoreError};
use hearth_types::{CodeHash, LayerArn, LayerName, LayerVersionArn, Scope};
use hearth_wire::Context;

pub(crate) use error::LayerError;
pub(crate) use record::LayerVersion;
pub(crate) use shelf::Filter;
pub(crate) use show::{listed, shown};
pub(crate) use used::{LayersError, UsedLayer, check_unpacked};

use shelf::Shelf;

/// The layers of all accounts and regions.
pub(crate) struct Layers {
    store: Arc<dyn Store>,
    shelf: Mutex<Shelf>,
}

impl Layers {
    /// No layers, until they are loaded.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            shelf: Mutex::default(),
        }
    }

    /// Reads what the store holds. For the start.
    pub(crate) async fn load(&self) -> Result<(), StoreError> {
        let mut shelf = Shelf::default();
        for document in self.store.list_all(record::COUNTER).await? {
            let revision = document.revision;
            shelf.count(&record::read(&document)?, revision);
        }
        for document in self.store.list_all(record::KIND).await? {
            shelf.put(record::read(&document)?, document.revision);
        }
        *self.shelf() = shelf;
        Ok(())
    }

    /// A version that the caller may read.
    pub(crate) fn readable(
        &self,
        ctx: &Context,
        arn: &LayerVersionArn,
    ) -> Result<Arc<LayerVersion>, LayerError> {
        let found = self.find(arn);
        let permitted = arn.layer.scope.account == ctx.scope.account
            || found.as_ref().is_some_and(|version| version.permits(ctx));
        if !permitted {
            return Err(LayerError::not_authorized(ctx, policy::ACTION, arn));
        }
        found
            .filter(|_| arn.layer.scope.region == ctx.scope.region)
            .ok_or(LayerError::Gone)
    }

    /// The version itself.
    pub(crate) fn find(&self, arn: &LayerVersionArn) -> Option<Arc<LayerVersion>> {
        self.shelf().find(arn).map(|(version, _)| version)
    }

    /// The versions of a layer, the newest first.
    pub(crate) fn versions(&self, layer: &LayerArn) -> Vec<Arc<LayerVersion>> {
        self.shelf().versions(layer)
    }

    /// The layers of an account and region in the order of their names, each with its newest version that `filter`
    /// lets through.
    pub(crate) fn latest(&self, scope: &Scope, filter: &Filter) -> Vec<(LayerName, Arc<LayerVersion>)> {
        self.shelf().latest(scope, filter)
    }

    /// Bytes of all versions of an account and region.
    pub(crate) fn code_bytes(&self, scope: &Scope) -> u64 {
        self.shelf().code_bytes(scope)
    }

    /// The packages of all versions.
    pub(crate) fn packages(&self) -> Vec<CodeHash> {
        self.shelf().packages()
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().expect("no holder of this lock panics")
    }
}

/// The layer that a request means, by its name or its ARN.
pub(crate) fn layer(ctx: &Context, name: &str) -> Result<LayerArn, LayerError> {
    LayerArn::parse(name, &ctx.scope).ok_or(LayerError::Gone)
}

/// Refuses what only a layer's own account may do.
pub(crate) fn own(ctx: &Context, arn: &LayerVersionArn, action: &'static str) -> Result<(), LayerError> {
    let Scope { account, region } = &arn.layer.scope;
    if *account != ctx.scope.account {
        return Err(LayerError::not_authorized(ctx, action, arn));
    }
    if *region != ctx.scope.region {
        return Err(LayerError::Gone);
    }
    Ok(())
}

/// The version that a request means.
pub(crate) fn version(ctx: &Context, name: &str, number: i64) -> Result<LayerVersionArn, LayerError> {
    match u64::try_from(number) {
        Ok(number @ 1..) => Ok(layer(ctx, name)?.version(number)),
        _ => Err(LayerError::BelowOne),
    }
}
