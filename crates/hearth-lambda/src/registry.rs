//! The functions of this node in memory: what an invocation looks at instead of the store.
//!
//! A snapshot that is replaced whole, so that reading takes no lock. Only whoever holds the service's write lock
//! changes it, after the commit of what it shows.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hearth_iam::policy::ResourcePolicy;
use hearth_types::{CodeHash, FunctionArn, FunctionName, Qualifier, Scope, limits};
use hearth_wire::lambda::State;

use crate::alias::Alias;
use crate::function::{Code, Function, Packages};
use crate::invoker::Deployment;
use crate::lifecycle::{NotReady, Reason};
use crate::on_demand::OnDemand;
use crate::running::NotRun;

/// All functions of all accounts and regions.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    accounts: ArcSwap<HashMap<Scope, Account>>,
}

type Account = Arc<HashMap<FunctionName, Arc<Entry>>>;

/// One function.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// `$LATEST`.
    pub(crate) latest: Release,
    /// The published versions, by number.
    pub(crate) versions: Arc<BTreeMap<u64, Release>>,
    /// The aliases, by name.
    pub(crate) aliases: Arc<BTreeMap<String, Arc<Alias>>>,
}

/// One state of a function: `$LATEST` or a version.
#[derive(Clone)]
pub(crate) struct Release {
    /// The package that counts against the account's storage.
    pub(crate) code: Code,
    /// That package and those of its layers.
    pub(crate) packages: Packages,
    /// Who else may use it.
    pub(crate) policy: Arc<ResourcePolicy>,
    /// Whether it can be invoked.
    pub(crate) availability: Availability,
}

/// What becomes of an invocation.
#[derive(Clone)]
pub(crate) enum Availability {
    /// It is run.
    Active {
        /// The revision in service. During an update it is not yet what the store holds.
        deployment: Arc<dyn Deployment>,
        /// The packages it runs.
        packages: Packages,
    },
    /// It is run, once it is in service.
    OnDemand(Arc<OnDemand>),
    /// It is refused: the function was never ready yet, or could not be made ready.
    Refused(State),
    /// It is refused: the function was ready, but this server cannot run it as it is.
    Unusable(Reason),
}

/// What an account uses in a region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Bytes of all code packages.
    pub(crate) code_bytes: u64,
    /// How many functions there are.
    pub(crate) functions: usize,
}

impl Usage {
    /// Whether a package of `after` bytes fits into the account's storage when it replaces one of `before` bytes.
    pub(crate) fn has_room(&self, before: u64, after: u64) -> bool {
        self.code_bytes.saturating_sub(before) + after <= limits::CODE_STORAGE
    }
}

impl Entry {
    /// A function without versions and aliases.
    pub(crate) fn new(latest: Release) -> Self {
        Self {
            latest,
            versions: Arc::default(),
            aliases: Arc::default(),
        }
    }

    /// The release that is meant, and which one it is: an alias comes to one of its versions, between which `draw`
    /// decides, a number from 0 to just below 1.
    pub(crate) fn choose(&self, qualifier: &Qualifier, draw: f64) -> Option<(Qualifier, &Release)> {
        match qualifier {
            Qualifier::Latest => Some((Qualifier::Latest, &self.latest)),
            Qualifier::Version(number) => Some((qualifier.clone(), self.versions.get(number)?)),
            Qualifier::Alias(name) => {
                let chosen = self.aliases.get(name)?.choose(draw);
                Some((chosen.clone(), self.release(&chosen)?))
            }
        }
    }

    /// `$LATEST` or a version.
    pub(crate) fn release(&self, version: &Qualifier) -> Option<&Release> {
        match version {
            Qualifier::Latest => Some(&self.latest),
            Qualifier::Version(number) => self.versions.get(number),
            Qualifier::Alias(_) => None,
        }
    }

    /// Adds or replaces a version.
    pub(crate) fn put_version(&mut self, number: u64, release: Release) {
        Arc::make_mut(&mut self.versions).insert(number, release);
    }

    /// Puts new releases in the place of the versions that are in service on demand.
    pub(crate) fn renew_versions(&mut self, renew: impl Fn(u64) -> Arc<OnDemand>) {
        for (number, release) in Arc::make_mut(&mut self.versions) {
            if let Availability::OnDemand(version) = &mut release.availability {
                *version = renew(*number);
            }
        }
    }

    /// Removes a version; what was there.
    pub(crate) fn remove_version(&mut self, number: u64) -> Option<Release> {
        Arc::make_mut(&mut self.versions).remove(&number)
    }

    /// Adds or replaces an alias.
    pub(crate) fn put_alias(&mut self, alias: Arc<Alias>) {
        Arc::make_mut(&mut self.aliases).insert(alias.name.clone(), alias);
    }

    /// Removes an alias.
    pub(crate) fn remove_alias(&mut self, name: &str) {
        Arc::make_mut(&mut self.aliases).remove(name);
    }

    /// `$LATEST` and all versions.
    pub(crate) fn releases(&self) -> impl Iterator<Item = &Release> {
        [&self.latest].into_iter().chain(self.versions.values())
    }
}

impl Release {
    /// A state of a function as the store holds it.
    pub(crate) fn new(function: &Function, availability: Availability) -> Self {
        Self {
            code: function.code,
            packages: function.packages(),
            policy: Arc::new(function.policy.clone()),
            availability,
        }
    }

    /// The packages of the store's revision and those of the revision in service.
    pub(crate) fn packages(&self) -> impl Iterator<Item = CodeHash> {
        let in_service: &[CodeHash] = match &self.availability {
            Availability::Active { packages, .. } => packages,
            Availability::OnDemand(_) | Availability::Refused(_) | Availability::Unusable(_) => &[],
        };
        self.packages.iter().chain(in_service).copied()
    }

    /// Takes its environments out of service.
    pub(crate) fn retire(&self) {
        match &self.availability {
            Availability::Active { deployment, .. } => deployment.retire(),
            Availability::OnDemand(version) => version.retire(),
            Availability::Refused(_) | Availability::Unusable(_) => {}
        }
    }
}

impl Availability {
    /// Whether an invocation would be run, as far as that is known without trying.
    pub(crate) fn check(&self) -> Result<(), NotReady> {
        match self {
            Self::Active { .. } | Self::OnDemand(_) => Ok(()),
            Self::Refused(state) => Err(NotReady::NotActive { state: *state }),
            Self::Unusable(reason) => Err(NotReady::Unusable(reason.clone())),
        }
    }

    /// What runs an invocation.
    pub(crate) async fn deployment(&self) -> Result<Arc<dyn Deployment>, NotRun> {
        match self {
            Self::Active { deployment, .. } => Ok(Arc::clone(deployment)),
            Self::OnDemand(version) => version.deployment().await,
            Self::Refused(state) => Err(NotReady::NotActive { state: *state }.into()),
            Self::Unusable(reason) => Err(NotReady::Unusable(reason.clone()).into()),
        }
    }
}

impl Registry {
    /// The function of this name, whatever the qualifier.
    pub(crate) fn find(&self, arn: &FunctionArn) -> Option<Arc<Entry>> {
        self.accounts.load().get(&arn.scope)?.get(&arn.name).cloned()
    }

    /// Adds functions, all at once.
    pub(crate) fn fill(&self, entries: impl IntoIterator<Item = (FunctionArn, Entry)>) {
        let mut accounts = HashMap::clone(&self.accounts.load());
        for (arn, entry) in entries {
            Arc::make_mut(accounts.entry(arn.scope).or_default()).insert(arn.name, Arc::new(entry));
        }
        self.accounts.store(Arc::new(accounts));
    }

    /// Adds or replaces a function; what was there before.
    pub(crate) fn put(&self, arn: &FunctionArn, entry: Entry) -> Option<Arc<Entry>> {
        self.change(&arn.scope, |functions| {
            functions.insert(arn.name.clone(), Arc::new(entry))
        })
    }

    /// Changes a function, if it is there.
    pub(crate) fn update<T>(&self, arn: &FunctionArn, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        self.change(&arn.scope, |functions| {
            functions.get_mut(&arn.name).map(Arc::make_mut).map(change)
        })
    }

    /// Removes a function; what was there before.
    pub(crate) fn remove(&self, arn: &FunctionArn) -> Option<Arc<Entry>> {
        self.change(&arn.scope, |functions| functions.remove(&arn.name))
    }

    /// What an account uses in a region.
    pub(crate) fn usage(&self, scope: &Scope) -> Usage {
        let accounts = self.accounts.load();
        let Some(functions) = accounts.get(scope) else {
            return Usage::default();
        };
        Usage {
            code_bytes: functions
                .values()
                .flat_map(|entry| entry.releases())
                .map(|release| release.code.size)
                .sum(),
            functions: functions.len(),
        }
    }

    /// The packages of all functions, those in service and those that will be.
    pub(crate) fn packages(&self) -> HashSet<CodeHash> {
        let accounts = self.accounts.load();
        accounts
            .values()
            .flat_map(|functions| functions.values())
            .flat_map(|entry| entry.releases())
            .flat_map(Release::packages)
            .collect()
    }

    fn change<T>(
        &self,
        scope: &Scope,
        change: impl FnOnce(&mut HashMap<FunctionName, Arc<Entry>>) -> T,
    ) -> T {
        let mut accounts = HashMap::clone(&self.accounts.load());
        let result = change(Arc::make_mut(accounts.entry(scope.clone()).or_default()));
        self.accounts.store(Arc::new(accounts));
        result
    }
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.availability {
            Availability::Active { .. } | Availability::OnDemand(_) => State::Active,
            Availability::Refused(state) => *state,
            Availability::Unusable(_) => State::Failed,
        };
        write!(f, "{state} {}", self.code.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(name: &str) -> FunctionArn {
        let scope = Scope::default();
        FunctionArn::new(scope, FunctionName::parse(name).unwrap())
    }

    fn release(code: &[u8]) -> Release {
        let hash = CodeHash::of(code);
        Release {
            code: Code {
                hash,
                size: code.len() as u64,
                unpacked: 0,
            },
            packages: [hash].into(),
            policy: Arc::default(),
            availability: Availability::Refused(State::Pending),
        }
    }

    fn entry(code: &[u8]) -> Entry {
        Entry::new(release(code))
    }

    #[test]
    fn versions_count_as_much_as_the_latest_state() {
        let registry = Registry::default();
        registry.put(&arn("a"), entry(b"1"));
        registry.update(&arn("a"), |entry| {
            entry.put_version(1, release(b"22"));
            entry.put_version(2, release(b"22"));
        });
        assert_eq!(registry.usage(&arn("a").scope).code_bytes, 5);
        assert_eq!(registry.packages().len(), 2);
        assert!(registry.update(&arn("b"), |_| ()).is_none());
        let entry = registry.find(&arn("a")).unwrap();
        let code = |qualifier| {
            entry
                .choose(&qualifier, 0.0)
                .map(|(_, release)| release.code.size)
        };
        assert_eq!(code(Qualifier::Latest), Some(1));
        assert_eq!(code(Qualifier::Version(2)), Some(2));
        assert_eq!(code(Qualifier::Version(3)), None);
        assert_eq!(code(Qualifier::Alias("prod".into())), None);
    }

    #[test]
    fn many_functions_come_at_once_beside_those_that_are_there() {
        let registry = Registry::default();
        registry.put(&arn("a"), entry(b"1"));
        registry.fill([(arn("b"), entry(b"22")), (arn("c"), entry(b"333"))]);
        let usage = registry.usage(&arn("a").scope);
        assert_eq!((usage.functions, usage.code_bytes), (3, 6));
        assert!(registry.find(&arn("c")).is_some());
    }

    #[test]
    fn functions_come_and_go() {
        let registry = Registry::default();
        assert!(registry.put(&arn("a"), entry(b"1")).is_none());
        assert!(registry.put(&arn("b"), entry(b"22")).is_none());
        assert!(registry.put(&arn("a"), entry(b"333")).is_some());
        assert_eq!(
            registry.usage(&arn("a").scope),
            Usage {
                code_bytes: 5,
                functions: 2
            }
        );
        assert_eq!(registry.packages().len(), 2);
        assert!(registry.remove(&arn("a")).is_some());
        assert!(registry.find(&arn("a")).is_none());
        assert!(registry.find(&arn("b")).is_some());
    }

    #[test]
    fn code_storage_is_limited() {
        let almost_full = Usage {
            code_bytes: limits::CODE_STORAGE - 10,
            functions: 1,
        };
        assert!(almost_full.has_room(0, 10));
        assert!(!almost_full.has_room(0, 11));
        assert!(almost_full.has_room(1, 11));
    }
}
