//! The state that all operations share, and every change to a function.
//!
//! Changes take turns: while one is committed and shown in the registry, no other is. So the registry never shows an
//! older state than the store, and the limits of an account hold exactly.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use hearth_iam::Sealer;
use hearth_runtime::Catalogue;
use hearth_store::{Store, StoreError, Unit, When};
use hearth_types::{CodeHash, FunctionArn, Qualifier, Scope, time};
use hearth_wire::lambda::State;
use tokio::sync::{Mutex, mpsc};

use crate::LambdaOptions;
use crate::code::{Accepted, CodeError, CodeStore, PackageRefused, Source};
use crate::code_link::CodeLinks;
use crate::create_function::CreateError;
use crate::error::Error;
use crate::folder;
use crate::function::{self, Function, Stored};
use crate::function_url;
use crate::function_urls::FunctionUrls;
use crate::functions::Functions;
use crate::invoker::{Deployment, Invoker};
use crate::layers::{self, Layers};
use crate::lifecycle::Lifecycle;
use crate::publishing::Version;
use crate::reference::Target;
use crate::registry::{Availability, Entry, Registry, Release, Usage};

/// What the operations work with.
pub(crate) struct Service {
    /// Itself, for what works later.
    pub(crate) me: Weak<Service>,
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
    /// The state of a function that a request means. An alias comes to the version it names.
    pub(crate) async fn require(&self, target: &Target) -> Result<Stored, Error> {
        let missing = || Error::NotFound(target.qualified_arn());
        let version = match target.state().ok_or_else(missing)? {
            Qualifier::Alias(name) => {
                let entry = self.registry.find(&target.arn).ok_or_else(missing)?;
                entry.aliases.get(&name).ok_or_else(missing)?.version.clone()
            }
            version => version,
        };
        match self.functions.state(&target.arn, &version).await {
            Err(Error::NotFound(_)) => Err(missing()),
            found => found,
        }
    }

    /// Commits a new function, with the version that is published of it, and begins to make it ready.
    pub(crate) async fn insert(&self, function: &Function, version: Option<&Function>) -> Result<(), Error> {
        let arn = function.arn();
        layers::check_unpacked(function.code, &function.settings.layers)?;
        {
            let _turn = self.turn.lock().await;
            let size = function.code.size + version.map_or(0, |version| version.code.size);
            self.check_storage(&arn.scope, 0, size)?;
            let mut unit = Unit::new().put(function.key(), function.to_body(), When::Absent);
            if let Some(version) = version {
                unit = unit.put(version.key(), version.to_body(), When::Absent);
            }
            match self.store.commit(unit).await {
                Ok(_) => {}
                Err(StoreError::Conflict { .. }) => return Err(CreateError::Exists(arn.name).into()),
                Err(error) => return Err(error.into()),
            }
            let availability = Availability::Refused(State::Pending);
            let mut entry = Entry::new(Release::new(function, availability));
            if let Some((version, number)) = version.zip(function.whole.published) {
                entry.put_version(number, self.release(version, number));
            }
            self.registry.put(&arn, entry);
        }
        self.activate(arn);
        Ok(())
    }

    /// Commits a change of code or configuration and begins to make it ready; until then the function runs as it was.
    /// Answers the function, or where it is to be published the version, which becomes ready with it.
    pub(crate) async fn update(
        &self,
        arn: &FunctionArn,
        revision_id: Option<&str>,
        now: SystemTime,
        publish: bool,
        change: impl FnOnce(&mut Function) -> Result<(), Error>,
    ) -> Result<Function, Error> {
        self.take_into_service(arn).await;
        let shown = {
            let _turn = self.turn.lock().await;
            let Stored {
                mut function,
                revision,
            } = self.functions.find(arn).await?;
            check_update(&function, revision_id)?;
            let next = function.lifecycle.begin_update(arn)?;
            let before = function.clone();
            change(&mut function)?;
            layers::check_unpacked(function.code, &function.settings.layers)?;
            if !function.runs_as(&before) {
                function.whole.published = None;
            }
            function.last_modified = time::last_modified(now);
            function.enter(next);
            let version = match publish {
                true => Some(
                    self.version_of(&mut function, None, Lifecycle::Creating, now)
                        .await?,
                ),
                false => None,
            };
            let published = version.as_ref().filter(|version| version.is_new);
            let more = published.map_or(0, |version| version.function.code.size);
            self.check_storage(&arn.scope, before.code.size, function.code.size + more)?;
            self.keep_in_service(&before).await;
            let mut unit = Unit::new().put(function.key(), function.to_body(), When::Revision(revision));
            if let Some(Version { function: state, .. }) = published {
                unit = unit.put(state.key(), state.to_body(), When::Absent);
            }
            self.store.commit(unit).await?;
            before
                .packages()
                .iter()
                .for_each(|package| self.code.keep(*package));
            self.show_update(&function, published);
            version.map_or(function, |version| version.function)
        };
        self.activate(arn.clone());
        Ok(shown)
    }

    /// Takes a function that nobody has invoked yet into service as it is. Where it cannot be, nobody can invoke it.
    async fn take_into_service(&self, arn: &FunctionArn) -> Option<Arc<dyn Deployment>> {
        let entry = self.registry.find(arn)?;
        match &entry.latest.availability {
            Availability::OnDemand(latest) => latest.deployment().await.ok(),
            _ => None,
        }
    }

    /// Keeps a function that is to be changed in service as it is: that runs until the change is ready, and the store will
    /// not hold it any more. It was taken into service before, which may take longer than a turn should.
    async fn keep_in_service(&self, function: &Function) {
        let arn = function.arn();
        if let Some(deployment) = self.take_into_service(&arn).await {
            let packages = function.packages();
            self.registry.update(&arn, |entry| {
                entry.latest.availability = Availability::Active { deployment, packages };
            });
        }
    }

    /// Shows a function that is being updated: what is in service serves on.
    fn show_update(&self, function: &Function, published: Option<&Version>) {
        self.registry.update(&function.arn(), |entry| {
            let availability = match &entry.latest.availability {
                active @ Availability::Active { .. } => active.clone(),
                _ => Availability::Refused(function.lifecycle.state()),
            };
            entry.latest = Release::new(function, availability);
            if let Some(version) = published {
                entry.put_version(version.number, self.release(&version.function, version.number));
            }
        });
    }

    /// Sets or removes the reserved concurrency.
    pub(crate) async fn reserve(&self, arn: &FunctionArn, reserved: Option<u32>) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        let Stored {
            mut function,
            revision,
        } = self.functions.find(arn).await?;
        let before = function.whole.reserved_concurrency;
        self.invoker.set_reserved(arn, reserved)?;
        function.whole.reserved_concurrency = reserved;
        let committed = self.put(&function, revision).await;
        if committed.is_err() {
            self.invoker.set_reserved(arn, before)?;
        }
        committed
    }

    /// Deletes a function with its versions and aliases, and takes it out of service.
    pub(crate) async fn delete(&self, arn: &FunctionArn) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        let urls = self.urls.of(arn);
        let mut unit = Unit::new().delete(function::key(arn), When::Present);
        if let Some(entry) = self.registry.find(arn) {
            let versions = entry
                .versions
                .keys()
                .map(|number| function::version_key(arn, *number));
            let aliases = entry.aliases.values().map(|alias| alias.key());
            let urls = urls.iter().map(|url| function_url::key(&url.arn()));
            unit = versions
                .chain(aliases)
                .chain(urls)
                .fold(unit, |unit, key| unit.delete(key, When::Always));
        }
        match self.store.commit(unit).await {
            Ok(_) => {}
            Err(StoreError::Conflict { .. }) => return Err(Error::NotFound(arn.to_string())),
            Err(error) => return Err(error.into()),
        }
        for release in self
            .registry
            .remove(arn)
            .iter()
            .flat_map(|entry| entry.releases())
        {
            self.let_go(release);
        }
        self.urls.remove(&urls);
        self.invoker.set_reserved(arn, None)?;
        Ok(())
    }

    /// Takes what the registry does not show any more out of service.
    pub(crate) fn let_go(&self, release: &Release) {
        release.packages().for_each(|package| self.code.keep(package));
        release.retire();
    }

    /// Takes in a function's code: keeps a package, or lets a folder be shown where that is allowed.
    pub(crate) async fn take_in(&self, source: Source) -> Result<Accepted, CodeError> {
        if let (Some(folders), Some(path)) = (&self.options.folders, source.folder()) {
            folders.open(path).await.map_err(PackageRefused::Folder)?;
            return Ok(Accepted {
                code: folder::code(path),
                folder: Some(path.to_owned()),
            });
        }
        let code = self.code.accept(source).await?;
        Ok(Accepted { code, folder: None })
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
    check_revision(function, revision_id)?;
    function.lifecycle.begin_update(function.arn())?;
    Ok(())
}

/// Whether a client knows a function as it is now, where it says what it knows.
pub(crate) fn check_revision(function: &Function, revision_id: Option<&str>) -> Result<(), Error> {
    match revision_id {
        Some(known) if known != function.revision_id.to_string() => Err(Error::RevisionMismatch),
        _ => Ok(()),
    }
}
