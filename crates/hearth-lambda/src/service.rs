//! The state that all operations share, and every change to a function.
//!
//! Changes take turns: while one is committed and shown in the registry, no other is. So the registry never shows an
//! older state than the store, and the limits of an account hold exactly.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::SystemTime;

use hearth_iam::Sealer;
use hearth_runtime::Catalogue;
use hearth_store::{Store, StoreError, Unit, When};
use hearth_types::{CodeHash, FunctionArn, Scope, time};
use hearth_wire::lambda::State;
use tokio::sync::{Mutex, mpsc};

use crate::LambdaOptions;
use crate::code::{CodeError, CodeStore};
use crate::code_link::CodeLinks;
use crate::create_function::CreateError;
use crate::error::Error;
use crate::function::{self, Function, Stored};
use crate::function_url;
use crate::function_urls::FunctionUrls;
use crate::functions::Functions;
use crate::invoker::Invoker;
use crate::layers::{self, Layers};
use crate::registry::{Availability, Entry, Registry, Usage};

/// What the operations work with.
pub(crate) struct Service {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) functions: Functions,
    pub(crate) layers: Layers,
    pub(crate) registry: Arc<Registry>,
    pub(crate) urls: Arc<FunctionUrls>,
    pub(crate) invoker: Arc<dyn Invoker>,
    pub(crate) code: CodeStore,
    pub(crate) code_links: CodeLinks,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) options: Arc<LambdaOptions>,
    /// Functions that are to be made ready.
    pub(crate) activations: mpsc::UnboundedSender<FunctionArn>,
    /// Held while a change is committed and shown.
    pub(crate) turn: Mutex<()>,
}

impl Service {
    /// Commits a new function and begins to make it ready.
    pub(crate) async fn insert(&self, function: &Function) -> Result<(), Error> {
        let arn = function.arn();
        layers::check_unpacked(function.code, &function.settings.layers)?;
        {
            let _turn = self.turn.lock().await;
            self.check_storage(&arn.scope, 0, function.code.size)?;
            let unit = Unit::new().put(function.key(), function.to_body(), When::Absent);
            match self.store.commit(unit).await {
                Ok(_) => {}
                Err(StoreError::Conflict { .. }) => return Err(CreateError::Exists(arn.name).into()),
                Err(error) => return Err(error.into()),
            }
            let availability = Availability::Refused(State::Pending);
            self.registry.put(&arn, Entry::new(function, availability));
        }
        self.activate(arn);
        Ok(())
    }

    /// Commits a change of code or configuration and begins to make it ready; until then the function runs as it was.
    pub(crate) async fn update(
        &self,
        arn: &FunctionArn,
        revision_id: Option<&str>,
        now: SystemTime,
        change: impl FnOnce(&mut Function) -> Result<(), Error>,
    ) -> Result<Function, Error> {
        let function = {
            let _turn = self.turn.lock().await;
            let Stored {
                mut function,
                revision,
            } = self.functions.find(arn).await?;
            check_update(&function, revision_id)?;
            let next = function.lifecycle.begin_update(arn)?;
            let (before, packages) = (function.code, function.packages());
            change(&mut function)?;
            layers::check_unpacked(function.code, &function.settings.layers)?;
            self.check_storage(&arn.scope, before.size, function.code.size)?;
            function.last_modified = time::last_modified(now);
            function.enter(next);
            self.put(&function, revision).await?;
            packages.iter().for_each(|package| self.code.keep(*package));
            let availability = match self.registry.find(arn) {
                Some(Entry {
                    availability: active @ Availability::Active { .. },
                    ..
                }) => active,
                _ => Availability::Refused(function.lifecycle.state()),
            };
            self.registry.put(arn, Entry::new(&function, availability));
            function
        };
        self.activate(arn.clone());
        Ok(function)
    }

    /// Sets or removes the reserved concurrency.
    pub(crate) async fn reserve(&self, arn: &FunctionArn, reserved: Option<u32>) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        let Stored {
            mut function,
            revision,
        } = self.functions.find(arn).await?;
        let before = function.reserved_concurrency;
        self.invoker.set_reserved(arn, reserved)?;
        function.reserved_concurrency = reserved;
        let committed = self.put(&function, revision).await;
        if committed.is_err() {
            self.invoker.set_reserved(arn, before)?;
        }
        committed
    }

    /// Deletes a function and takes it out of service.
    pub(crate) async fn delete(&self, arn: &FunctionArn) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        let urls = self.urls.of(arn);
        let unit = urls
            .iter()
            .map(|url| function_url::key(&url.arn()))
            .fold(Unit::new(), |unit, key| unit.delete(key, When::Always))
            .delete(function::key(arn), When::Present);
        match self.store.commit(unit).await {
            Ok(_) => {}
            Err(StoreError::Conflict { .. }) => return Err(Error::NotFound(arn.to_string())),
            Err(error) => return Err(error.into()),
        }
        if let Some(entry) = self.registry.remove(arn) {
            entry.packages().for_each(|package| self.code.keep(package));
            entry.retire();
        }
        self.urls.remove(&urls);
        self.invoker.set_reserved(arn, None)?;
        Ok(())
    }

    /// Lets a function be made ready in the background. Where that has ended already, the next start does it.
    pub(crate) fn activate(&self, arn: FunctionArn) {
        let _ = self.activations.send(arn);
    }

    /// Replaces a function's document, which must be the one that was read.
    pub(crate) async fn put(&self, function: &Function, revision: u64) -> Result<(), Error> {
        let unit = Unit::new().put(function.key(), function.to_body(), When::Revision(revision));
        self.store.commit(unit).await?;
        Ok(())
    }

    /// What an account uses in a region.
    pub(crate) fn usage(&self, scope: &Scope) -> Usage {
        let mut usage = self.registry.usage(scope);
        usage.code_bytes += self.layers.code_bytes(scope);
        usage
    }

    /// The packages of all functions and layers.
    pub(crate) fn packages(&self) -> HashSet<CodeHash> {
        let mut packages = self.registry.packages();
        packages.extend(self.layers.packages());
        packages
    }

    /// Whether an account may store `after` bytes of code more, and `before` less.
    pub(crate) fn check_storage(&self, scope: &Scope, before: u64, after: u64) -> Result<(), CodeError> {
        if self.usage(scope).has_room(before, after) {
            Ok(())
        } else {
            Err(CodeError::StorageExceeded)
        }
    }
}

/// Whether a client may change a function now, knowing the revision it knows.
pub(crate) fn check_update(function: &Function, revision_id: Option<&str>) -> Result<(), Error> {
    if revision_id.is_some_and(|known| known != function.revision_id.to_string()) {
        return Err(Error::RevisionMismatch);
    }
    function.lifecycle.begin_update(function.arn())?;
    Ok(())
}
