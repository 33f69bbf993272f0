//! The functions of this node in memory: what an invocation looks at instead of the store.
//!
//! A snapshot that is replaced whole, so that reading takes no lock. Only whoever holds the service's write lock
//! changes it, after the commit of what it shows.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hearth_types::{CodeHash, FunctionArn, FunctionName, Scope, limits};
use hearth_wire::lambda::State;

use crate::function::{Code, Function, Packages};
use crate::invoker::Deployment;
use crate::lifecycle::Reason;

/// All functions of all accounts and regions.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    accounts: ArcSwap<HashMap<Scope, Account>>,
}

type Account = Arc<HashMap<FunctionName, Entry>>;

/// One function.
#[derive(Clone)]
pub(crate) struct Entry {
    /// The package that counts against the account's storage.
    pub(crate) code: Code,
    /// That package and those of its layers.
    pub(crate) packages: Packages,
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
    /// A function as the store holds it.
    pub(crate) fn new(function: &Function, availability: Availability) -> Self {
        Self {
            code: function.code,
            packages: function.packages(),
            availability,
        }
    }

    /// The packages of the store's revision and those of the revision in service.
    pub(crate) fn packages(&self) -> impl Iterator<Item = CodeHash> {
        let in_service: &[CodeHash] = match &self.availability {
            Availability::Active { packages, .. } => packages,
            Availability::Refused(_) | Availability::Unusable(_) => &[],
        };
        self.packages.iter().chain(in_service).copied()
    }

    /// Takes the function's environments out of service.
    pub(crate) fn retire(&self) {
        if let Availability::Active { deployment, .. } = &self.availability {
            deployment.retire();
        }
    }
}

impl Registry {
    /// The function of this name.
    pub(crate) fn find(&self, arn: &FunctionArn) -> Option<Entry> {
        self.accounts.load().get(&arn.scope)?.get(&arn.name).cloned()
    }

    /// Adds or replaces a function; what was there before.
    pub(crate) fn put(&self, arn: &FunctionArn, entry: Entry) -> Option<Entry> {
        self.change(&arn.scope, |functions| functions.insert(arn.name.clone(), entry))
    }

    /// Removes a function; what was there before.
    pub(crate) fn remove(&self, arn: &FunctionArn) -> Option<Entry> {
        self.change(&arn.scope, |functions| functions.remove(&arn.name))
    }

    /// What an account uses in a region.
    pub(crate) fn usage(&self, scope: &Scope) -> Usage {
        let accounts = self.accounts.load();
        let Some(functions) = accounts.get(scope) else {
            return Usage::default();
        };
        Usage {
            code_bytes: functions.values().map(|entry| entry.code.size).sum(),
            functions: functions.len(),
        }
    }

    /// The packages of all functions, those in service and those that will be.
    pub(crate) fn packages(&self) -> HashSet<CodeHash> {
        let accounts = self.accounts.load();
        accounts
            .values()
            .flat_map(|functions| functions.values())
            .flat_map(Entry::packages)
            .collect()
    }

    fn change<T>(&self, scope: &Scope, change: impl FnOnce(&mut HashMap<FunctionName, Entry>) -> T) -> T {
        let mut accounts = HashMap::clone(&self.accounts.load());
        let result = change(Arc::make_mut(accounts.entry(scope.clone()).or_default()));
        self.accounts.store(Arc::new(accounts));
        result
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.availability {
            Availability::Active { .. } => State::Active,
            Availability::Refused(state) => *state,
            Availability::Unusable(_) => State::Failed,
        };
        write!(f, "{state} {}", self.code.hash)
    }
}

#[cfg(test)]
mod tests {
    use hearth_types::{AccountId, Region};

    use super::*;

    fn arn(name: &str) -> FunctionArn {
        let scope = Scope {
            account: AccountId::DEFAULT,
            region: Region::default(),
        };
        FunctionArn::new(scope, FunctionName::parse(name).unwrap())
    }

    fn entry(code: &[u8]) -> Entry {
        Entry {
            code: Code {
                hash: CodeHash::of(code),
                size: code.len() as u64,
                unpacked: 0,
            },
            packages: [CodeHash::of(code)].into(),
            availability: Availability::Refused(State::Pending),
        }
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
