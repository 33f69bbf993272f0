//! What scaling does, counted.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Counts since the engine was made. Reading them costs next to nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scaling {
    /// Invocations that wait for an environment now.
    pub waiting: u64,
    /// Invocations that have waited for one, however short, and those that got one that was started for them.
    pub waits: u64,
    /// How long those waited, taken together.
    pub waited: Duration,
    /// Environments that are being started now, those that wait for their turn too.
    pub starting: u64,
    /// Environments that were started.
    pub starts: u64,
    /// Starts that failed.
    pub failed_starts: u64,
    /// Starts that were given up before they began, since another environment was free sooner.
    pub needless_starts: u64,
    /// Idle environments that ended after the time that they are kept, or at the end of their life.
    pub expired: u64,
    /// Idle environments that ended to make room.
    pub evicted: u64,
    /// Idle environments that are frozen now.
    pub frozen: u64,
}

/// Where it is counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) waiting: AtomicU64,
    pub(crate) waits: AtomicU64,
    waited_us: AtomicU64,
    pub(crate) starting: AtomicU64,
    pub(crate) starts: AtomicU64,
    pub(crate) failed_starts: AtomicU64,
    pub(crate) needless_starts: AtomicU64,
    pub(crate) expired: AtomicU64,
    pub(crate) evicted: AtomicU64,
    frozen: AtomicU64,
}

impl Counters {
    /// An invocation has waited.
    pub(crate) fn waited(&self, wait: Duration) {
        self.waits.fetch_add(1, Relaxed);
        let micros = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        self.waited_us.fetch_add(micros, Relaxed);
    }

    pub(crate) fn look(&self) -> Scaling {
        let count = |counter: &AtomicU64| counter.load(Relaxed);
        Scaling {
            waiting: count(&self.waiting),
            waits: count(&self.waits),
            waited: Duration::from_micros(count(&self.waited_us)),
            starting: count(&self.starting),
            starts: count(&self.starts),
            failed_starts: count(&self.failed_starts),
            needless_starts: count(&self.needless_starts),
            expired: count(&self.expired),
            evicted: count(&self.evicted),
            frozen: count(&self.frozen),
        }
    }
}

/// One of the environments that are frozen.
pub(crate) struct Frozen(Arc<Counters>);

impl Frozen {
    pub(crate) fn new(counters: &Arc<Counters>) -> Self {
        counters.frozen.fetch_add(1, Relaxed);
        Self(Arc::clone(counters))
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.0.frozen.fetch_sub(1, Relaxed);
    }
}

impl fmt::Debug for Frozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Frozen")
    }
}

/// Counts one more for as long as it lives.
pub(crate) struct Counted<'a>(&'a AtomicU64);

impl<'a> Counted<'a> {
    pub(crate) fn new(counter: &'a AtomicU64) -> Self {
        counter.fetch_add(1, Relaxed);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
