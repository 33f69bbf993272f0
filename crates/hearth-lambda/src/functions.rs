//! Reading functions from the store.

use std::sync::Arc;

use hearth_store::{Kind, Store, StoreError};
use hearth_types::{FunctionArn, Qualifier, Scope};

use crate::error::Error;
use crate::function::{self, Function, KIND, Stored, VERSION_KIND};

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

    /// A published version.
    pub(crate) async fn version(&self, arn: &FunctionArn, number: u64) -> Result<Stored, Error> {
        let document = self.store.get(&function::version_key(arn, number)).await?;
        let named = || arn.qualified(Qualifier::Version(number)).to_string();
        Ok(document.ok_or_else(|| Error::NotFound(named()))?.try_into()?)
    }

    /// `$LATEST` or a published version.
    pub(crate) async fn state(&self, arn: &FunctionArn, version: &Qualifier) -> Result<Stored, Error> {
        match version {
            Qualifier::Version(number) => self.version(arn, *number).await,
            Qualifier::Latest | Qualifier::Alias(_) => self.find(arn).await,
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

    /// Up to `limit` published versions of a function, ordered by number, beginning behind `after`.
    pub(crate) async fn versions(
        &self,
        arn: &FunctionArn,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Function>, StoreError> {
        let after = function::version_id(arn, after);
        let documents = self
            .store
            .list(&arn.scope, VERSION_KIND, Some(&after), limit)
            .await?;
        let prefix = format!("{}:", arn.name);
        documents
            .into_iter()
            .take_while(|document| document.key.id.starts_with(&prefix))
            .map(|document| Ok(Stored::try_from(document)?.function))
            .collect()
    }

    /// All functions of all accounts and regions, or all published versions.
    pub(crate) async fn all(&self, kind: Kind) -> Result<Vec<Function>, StoreError> {
        let documents = self.store.list_all(kind).await?;
        documents
            .into_iter()
            .map(|document| Ok(Stored::try_from(document)?.function))
            .collect()
    }
}
