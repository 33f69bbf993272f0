//! The pools that have environments, or will have one. What looks at all of them is not the slower for functions that
//! nobody calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use crate::pool::Pool;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Occupied(Mutex<HashMap<usize, Weak<Pool>>>);

impl Occupied {
    /// From now on, this pool is looked at. Does nothing if it is already.
    pub(crate) fn add(&self, pool: &Arc<Pool>) {
        self.lock().insert(key(pool), Arc::downgrade(pool));
    }

    pub(crate) fn remove(&self, pool: &Arc<Pool>) {
        self.lock().remove(&key(pool));
    }

    /// All of them.
    pub(crate) fn pools(&self) -> Vec<Arc<Pool>> {
        let mut pools = self.lock();
        pools.retain(|_, pool| pool.strong_count() > 0);
        pools.values().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Weak<Pool>>> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

fn key(pool: &Arc<Pool>) -> usize {
    Arc::as_ptr(pool).addr()
}
