//! Reading functions from the store.

use std::sync::Arc;

use hearth_store::{Store, StoreError};
use hearth_types::{FunctionArn, Scope};

use crate::error::Error;
use crate::function::{self, Function, KIND, Stored};
use crate::reference::Target;

/// The functions in the store.
#[derive(Clone)]
pub(crate) struct Functions {
    store: Arc<dyn Store>,
}

impl Functions {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// A function, whatever its state.
    pub(crate) async fn find(&self, arn: &FunctionArn) -> Result<Stored, Error> {
        let document = self.store.get(&function::key(arn)).await?;
        let document = document.ok_or_else(|| Error::NotFound(arn.to_string()))?;
        Ok(document.try_into()?)
    }

    /// The function that a request means, qualifier included: there are no versions and aliases yet, so every
    /// qualifier but `$LATEST` means something that does not exist.
    pub(crate) async fn require(&self, target: &Target) -> Result<Stored, Error> {
        if !target.is_latest() {
            return Err(Error::NotFound(target.qualified_arn()));
        }
        match self.find(&target.arn).await {
            Err(Error::NotFound(_)) => Err(Error::NotFound(target.qualified_arn())),
            found => found,
        }
    }

    /// Up to `limit` functions of an account and region, ordered by name, beginning behind `after`.
    pub(crate) async fn list(
        &self,
        scope: &Scope,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Function>, StoreError> {
        let documents = self.store.list(scope, KIND, after, limit).await?;
        documents
            .into_iter()
            .map(|document| Ok(Stored::try_from(document)?.function))
            .collect()
    }

    /// All functions of all accounts and regions.
    pub(crate) async fn all(&self) -> Result<Vec<Function>, StoreError> {
        let documents = self.store.list_all(KIND).await?;
        documents
            .into_iter()
            .map(|document| Ok(Stored::try_from(document)?.function))
            .collect()
    }
}
