//! The URLs of all functions in memory: what a request to one looks at instead of the store.
//!
//! Like the registry a snapshot that is replaced whole, changed by whoever holds the service's turn, after the commit
//! of what it shows.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hearth_store::{Store, StoreError, Unit, When};
use hearth_types::FunctionArn;

use crate::error::Error;
use crate::function;
use crate::function_url::{self, FunctionUrl, KIND};
use crate::reference::Target;
use crate::service::Service;

/// Something is wrong with the URL that a request names.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UrlError {
    /// There is no such function or alias to have a URL.
    #[error("Function does not exist")]
    NoFunction,
    /// The function or alias has no URL, or is not there itself.
    #[error("The resource you requested does not exist.")]
    NoUrl,
    /// It has one already.
    #[error(
        "Failed to create function url config for [functionArn = {0}]. Error message:  FunctionUrlConfig exists for \
         this Lambda function"
    )]
    Exists(FunctionArn),
    /// The system gives no random numbers.
    #[error("no id can be made: {0}")]
    Random(#[from] getrandom::Error),
}

/// All URLs of all accounts and regions.
#[derive(Debug, Default)]
pub(crate) struct FunctionUrls {
    shown: ArcSwap<Shown>,
}

#[derive(Clone, Debug, Default)]
struct Shown {
    by_id: HashMap<String, Arc<FunctionUrl>>,
    by_arn: HashMap<FunctionArn, Arc<FunctionUrl>>,
}

impl FunctionUrls {
    /// The URL with this id.
    pub(crate) fn by_id(&self, id: &str) -> Option<Arc<FunctionUrl>> {
        self.shown.load().by_id.get(id).cloned()
    }

    /// The URL of a function, or of an alias where the ARN has one.
    pub(crate) fn get(&self, arn: &FunctionArn) -> Option<Arc<FunctionUrl>> {
        self.shown.load().by_arn.get(arn).cloned()
    }

    /// The URLs of a function and its aliases: its own first, then by alias.
    pub(crate) fn of(&self, function: &FunctionArn) -> Vec<Arc<FunctionUrl>> {
        let shown = self.shown.load();
        let of_it = |url: &&Arc<FunctionUrl>| url.name == function.name && url.scope == function.scope;
        let mut urls: Vec<_> = shown.by_arn.values().filter(of_it).cloned().collect();
        urls.sort_by(|one, other| one.alias.cmp(&other.alias));
        urls
    }

    /// Shows the URLs of the store. Called once, at the start.
    pub(crate) async fn resume(&self, store: &dyn Store) -> Result<(), StoreError> {
        let mut shown = Shown::default();
        for document in store.list_all(KIND).await? {
            shown.insert(Arc::new(FunctionUrl::read(&document)?));
        }
        self.shown.store(Arc::new(shown));
        Ok(())
    }

    /// Shows a URL in place of the one that the same function or alias had.
    pub(crate) fn put(&self, url: Arc<FunctionUrl>) {
        self.change(|shown| shown.insert(url));
    }

    /// Shows these URLs no more.
    pub(crate) fn remove(&self, urls: &[Arc<FunctionUrl>]) {
        if urls.is_empty() {
            return;
        }
        self.change(|shown| {
            for url in urls {
                shown.by_id.remove(&url.id);
                shown.by_arn.remove(&url.arn());
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Shown)) {
        let mut shown = Shown::clone(&self.shown.load());
        change(&mut shown);
        self.shown.store(Arc::new(shown));
    }
}

impl Shown {
    fn insert(&mut self, url: Arc<FunctionUrl>) {
        if let Some(before) = self.by_arn.insert(url.arn(), Arc::clone(&url)) {
            self.by_id.remove(&before.id);
        }
        self.by_id.insert(url.id.clone(), url);
    }
}

impl Service {
    /// What a request means that gives or changes a URL, if it is there.
    pub(crate) fn url_target(&self, target: &Target) -> Option<FunctionArn> {
        let arn = target.whole_or_alias()?;
        let entry = self.registry.find(&target.arn)?;
        let is_there = match &arn.qualifier {
            Some(qualifier) => entry.choose(qualifier, 0.0).is_some(),
            None => true,
        };
        is_there.then_some(arn)
    }

    /// Commits and shows a new URL of a function or alias that is there.
    pub(crate) async fn insert_url(&self, url: FunctionUrl) -> Result<Arc<FunctionUrl>, Error> {
        let arn = url.arn();
        let unit = Unit::new().put(function_url::key(&arn), url.to_body(), When::Absent);
        self.commit_url(unit, Arc::new(url), UrlError::Exists(arn)).await
    }

    /// Commits and shows a changed URL.
    pub(crate) async fn replace_url(&self, url: FunctionUrl) -> Result<Arc<FunctionUrl>, Error> {
        let key = function_url::key(&url.arn());
        let unit = Unit::new().put(key, url.to_body(), When::Present);
        self.commit_url(unit, Arc::new(url), UrlError::NoUrl).await
    }

    /// Deletes a URL.
    pub(crate) async fn delete_url(&self, url: &Arc<FunctionUrl>) -> Result<(), Error> {
        let unit = Unit::new().delete(function_url::key(&url.arn()), When::Present);
        match self.store.commit(unit).await {
            Ok(_) => {}
            Err(StoreError::Conflict { .. }) => return Err(UrlError::NoUrl.into()),
            Err(error) => return Err(error.into()),
        }
        self.urls.remove(std::slice::from_ref(url));
        Ok(())
    }

    async fn commit_url(
        &self,
        unit: Unit,
        url: Arc<FunctionUrl>,
        conflict: UrlError,
    ) -> Result<Arc<FunctionUrl>, Error> {
        let function = FunctionArn::new(url.scope.clone(), url.name.clone());
        let unit = unit.require(function::key(&function), When::Present);
        match self.store.commit(unit).await {
            Ok(_) => {}
            Err(StoreError::Conflict { .. }) => return Err(conflict.into()),
            Err(error) => return Err(error.into()),
        }
        self.urls.put(Arc::clone(&url));
        Ok(url)
    }
}
