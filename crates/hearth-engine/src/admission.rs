//! Concurrency limits: who may run now.
//!
//! One small lock per account and region holds every count, so the limits are exact under any
//! interleaving. A [`Permit`] is one running invocation; dropping it gives the slot back, whatever
//! happened to the invocation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use hearth_types::{FunctionArn, FunctionName, Scope, limits};

use crate::{Running, ThrottleReason};

/// A reservation the account cannot give.
#[derive(Debug, thiserror::Error)]
#[error(
    "Specified ReservedConcurrentExecutions for function decreases account's \
     UnreservedConcurrentExecution below its minimum value of [{}].",
    limits::MINIMUM_UNRESERVED
)]
pub struct ReservationError;

/// All accounts of the node.
#[derive(Debug)]
pub(crate) struct Admission {
    limit: u32,
    accounts: Mutex<HashMap<Scope, Arc<Account>>>,
}

#[derive(Debug)]
struct Account {
    limit: u32,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Sum of all reservations.
    reserved: u32,
    /// Running invocations of all functions.
    running: u32,
    /// Running invocations of functions without a reservation.
    unreserved_running: u32,
    functions: HashMap<FunctionName, FunctionCounts>,
}

#[derive(Debug, Default)]
struct FunctionCounts {
    reserved: Option<u32>,
    running: u32,
}

/// A function's place in its account's counts.
#[derive(Clone, Debug)]
pub(crate) struct Concurrency {
    account: Arc<Account>,
    name: FunctionName,
}

/// One running invocation.
#[derive(Debug)]
pub(crate) struct Permit {
    concurrency: Concurrency,
    /// How many ran when it was admitted.
    running: Running,
}

impl Admission {
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit,
            accounts: Mutex::default(),
        }
    }

    /// The counts of a function, shared by all its revisions.
    pub(crate) fn function(&self, arn: &FunctionArn) -> Concurrency {
        Concurrency {
            account: self.account(&arn.scope),
            name: arn.name.clone(),
        }
    }

    /// Concurrency of an account that no function has reserved.
    pub(crate) fn unreserved(&self, scope: &Scope) -> u32 {
        let account = self.account(scope);
        account.limit.saturating_sub(account.lock().reserved)
    }

    /// Running invocations of all accounts.
    pub(crate) fn running(&self) -> u32 {
        let accounts = self.accounts.lock().expect("no holder of this lock panics");
        accounts.values().map(|account| account.lock().running).sum()
    }

    fn account(&self, scope: &Scope) -> Arc<Account> {
        let mut accounts = self.accounts.lock().expect("no holder of this lock panics");
        let make = || {
            Arc::new(Account {
                limit: self.limit,
                counts: Mutex::default(),
            })
        };
        Arc::clone(accounts.entry(scope.clone()).or_insert_with(make))
    }
}

impl Account {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().expect("no holder of this lock panics")
    }
}

impl Concurrency {
    /// Takes a slot, or says which limit is in the way.
    pub(crate) fn admit(&self) -> Result<Permit, ThrottleReason> {
        let mut guard = self.account.lock();
        let counts = &mut *guard;
        let unreserved_limit = self.account.limit.saturating_sub(counts.reserved);
        let function = counts.functions.entry(self.name.clone()).or_default();
        match function.reserved {
            Some(reserved) if function.running >= reserved => {
                return Err(ThrottleReason::ReservedFunctionConcurrentInvocationLimitExceeded);
            }
            Some(_) => {}
            None if counts.unreserved_running >= unreserved_limit => {
                return Err(ThrottleReason::ConcurrentInvocationLimitExceeded);
            }
            None => counts.unreserved_running += 1,
        }
        function.running += 1;
        counts.running += 1;
        let running = Running {
            function: function.running,
            account: counts.running,
            unreserved: function.reserved.is_none().then_some(counts.unreserved_running),
        };
        Ok(Permit {
            concurrency: self.clone(),
            running,
        })
    }

    /// Sets or removes the reservation; running invocations are counted under the new rule at once.
    pub(crate) fn reserve(&self, reserved: Option<u32>) -> Result<(), ReservationError> {
        let mut guard = self.account.lock();
        let counts = &mut *guard;
        let function = counts.functions.entry(self.name.clone()).or_default();
        let total = counts.reserved - function.reserved.unwrap_or(0) + reserved.unwrap_or(0);
        if reserved.is_some_and(|n| n > 0) && total + limits::MINIMUM_UNRESERVED > self.account.limit {
            return Err(ReservationError);
        }
        match (function.reserved, reserved) {
            (None, Some(_)) => counts.unreserved_running -= function.running,
            (Some(_), None) => counts.unreserved_running += function.running,
            _ => {}
        }
        counts.reserved = total;
        function.reserved = reserved;
        Ok(())
    }
}

impl Permit {
    /// How many ran when it was admitted.
    pub(crate) fn running(&self) -> Running {
        self.running
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut guard = self.concurrency.account.lock();
        let counts = &mut *guard;
        let Some(function) = counts.functions.get_mut(&self.concurrency.name) else {
            return;
        };
        counts.running -= 1;
        function.running -= 1;
        if function.reserved.is_none() {
            counts.unreserved_running -= 1;
            if function.running == 0 {
                counts.functions.remove(&self.concurrency.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hearth_types::{AccountId, Region};
    use proptest::prelude::*;

    use super::*;

    fn arn(name: &str) -> FunctionArn {
        let scope = Scope {
            account: AccountId::DEFAULT,
            region: Region::default(),
        };
        FunctionArn::new(scope, FunctionName::parse(name).unwrap())
    }

    #[test]
    fn a_reservation_is_cap_and_guarantee() {
        let admission = Admission::new(102);
        let (a, b) = (admission.function(&arn("a")), admission.function(&arn("b")));
        a.reserve(Some(2)).unwrap();
        let others: Vec<_> = (0..100).map(|_| b.admit().unwrap()).collect();
        assert_eq!(
            b.admit().unwrap_err(),
            ThrottleReason::ConcurrentInvocationLimitExceeded
        );
        let _first = a.admit().unwrap();
        let _second = a.admit().unwrap();
        assert_eq!(
            a.admit().unwrap_err(),
            ThrottleReason::ReservedFunctionConcurrentInvocationLimitExceeded
        );
        drop(others);
        b.admit().unwrap();
    }

    #[test]
    fn a_permit_knows_among_how_many_it_runs() {
        let admission = Admission::new(200);
        let (a, b) = (admission.function(&arn("a")), admission.function(&arn("b")));
        a.reserve(Some(2)).unwrap();
        let permits = [b.admit().unwrap(), a.admit().unwrap(), b.admit().unwrap()];
        let running = permits.map(|permit| permit.running());
        let expected = [(1, 1, Some(1)), (1, 2, None), (2, 3, Some(2))];
        assert_eq!(
            running,
            expected.map(|(function, account, unreserved)| Running {
                function,
                account,
                unreserved,
            })
        );
    }

    #[test]
    fn reservations_leave_the_minimum_to_others() {
        let admission = Admission::new(1000);
        admission.function(&arn("a")).reserve(Some(900)).unwrap();
        assert!(admission.function(&arn("b")).reserve(Some(1)).is_err());
        admission.function(&arn("b")).reserve(Some(0)).unwrap();
        assert!(admission.function(&arn("b")).admit().is_err());
        assert_eq!(admission.unreserved(&arn("a").scope), 100);
    }

    proptest! {
        /// Whatever the order of starts, ends and changed reservations, nothing leaks and no limit is passed.
        #[test]
        fn counts_never_drift(steps in prop::collection::vec((0u8..4, 0usize..3, 0u32..4), 0..200)) {
            let admission = Admission::new(110);
            let functions = ["a", "b", "c"].map(|name| admission.function(&arn(name)));
            let mut running: Vec<Vec<Permit>> = vec![Vec::new(), Vec::new(), Vec::new()];
            for (what, which, amount) in steps {
                match what {
                    0 | 1 => running[which].extend(functions[which].admit().ok()),
                    2 => drop(running[which].pop()),
                    _ => functions[which].reserve((amount > 0).then_some(amount)).unwrap(),
                }
                let expected: u32 = running.iter().map(|permits| permits.len() as u32).sum();
                prop_assert_eq!(admission.running(), expected);
            }
            running.clear();
            for function in &functions {
                function.reserve(None).unwrap();
            }
            let all: Vec<_> = (0..110).map(|_| functions[0].admit()).collect();
            prop_assert!(all.iter().all(Result::is_ok));
            prop_assert!(functions[1].admit().is_err());
        }
    }
}
