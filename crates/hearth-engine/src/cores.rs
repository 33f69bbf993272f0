//! Whether the machine's cores have time left.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use crate::Node;

/// The machine is not asked more often: its answer is exact to a hundredth of a second and core.
const INTERVAL: Duration = Duration::from_millis(90);
/// Cores that are idle for less than one part in so many are busy.
const SPARE: u32 = 10;

/// The cores of a machine, watched while somebody asks.
pub(crate) struct Cores {
    node: Arc<dyn Node>,
    count: usize,
    last: Mutex<Option<Look>>,
}

#[derive(Clone, Copy)]
struct Look {
    at: Instant,
    idle: Duration,
    busy: bool,
}

impl Cores {
    pub(crate) fn new(node: Arc<dyn Node>) -> Self {
        Self {
            count: node.cores().max(1),
            node,
            last: Mutex::default(),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Whether all of them were at work all the time since somebody asked before. A machine that does not tell has idle
    /// ones.
    pub(crate) fn are_busy(&self, now: Instant) -> bool {
        let mut last = self.last.lock().expect("no holder of this lock panics");
        if let Some(look) = *last
            && now.saturating_duration_since(look.at) < INTERVAL
        {
            return look.busy;
        }
        let Some(idle) = self.node.idle_time() else {
            return false;
        };
        let busy = last.is_some_and(|look| {
            let cores = u32::try_from(self.count).unwrap_or(u32::MAX);
            let passed = now.saturating_duration_since(look.at) * cores;
            idle.saturating_sub(look.idle) * SPARE < passed
        });
        *last = Some(Look { at: now, idle, busy });
        busy
    }
}

impl std::fmt::Debug for Cores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cores")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    struct Idles(AtomicU64);

    impl Node for Idles {
        fn available_memory(&self) -> Option<u64> {
            None
        }
        fn idle_time(&self) -> Option<Duration> {
            Some(Duration::from_millis(self.0.load(Ordering::Relaxed)))
        }
        fn cores(&self) -> usize {
            2
        }
    }

    #[test]
    fn cores_are_busy_when_hardly_any_time_is_left() {
        let node = Arc::new(Idles(AtomicU64::new(500)));
        let cores = Cores::new(Arc::clone(&node) as Arc<dyn Node>);
        let start = Instant::now();
        assert!(!cores.are_busy(start));
        // Two cores in 100 ms: 200 ms, of which 30 were idle.
        node.0.store(530, Ordering::Relaxed);
        assert!(!cores.are_busy(start + Duration::from_millis(100)));
        node.0.store(540, Ordering::Relaxed);
        // Too soon for another look.
        assert!(!cores.are_busy(start + Duration::from_millis(110)));
        assert!(cores.are_busy(start + Duration::from_millis(200)));
    }
}
