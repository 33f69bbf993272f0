//! That an environment is some invocation's.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::pool::Pool;

/// Held by an environment that runs an invocation. An environment that ends with it is lost to its pool.
#[derive(Debug)]
pub(crate) struct Lease {
    /// None once it has ended.
    pool: Option<Arc<Pool>>,
    generation: u64,
    trace: Option<u64>,
    since: Instant,
}

impl Lease {
    pub(crate) fn new(pool: Arc<Pool>, generation: u64, trace: Option<u64>, since: Instant) -> Self {
        Self {
            pool: Some(pool),
            generation,
            trace,
            since,
        }
    }

    /// The environment goes back: the generation of its code, the invocation's trace, and how long it took.
    pub(crate) fn end(mut self, now: Instant) -> Option<(u64, Option<u64>, Duration)> {
        self.pool.take()?;
        let took = now.saturating_duration_since(self.since);
        Some((self.generation, self.trace, took))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            pool.lost(self.generation, self.trace, self.since.elapsed());
        }
    }
}
