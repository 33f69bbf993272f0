//! How many environments of a function are worth keeping busy at a time.
//!
//! Where a function is answered so often that its invocations cost the cores little more than being handed to and fro,
//! and no core has time left, more environments only take turns with each other: 64 processes answer half as much as a
//! few. As soon as cores are idle, or the function takes longer, there may be more.

use std::time::Duration;

use tokio::time::Instant;

use crate::cores::Cores;

/// How often it is looked at.
const WINDOW: Duration = Duration::from_millis(100);
/// Time of a core per invocation, all that is paid around it included, up to which changing between environments weighs
/// heavily. Being handed to and fro takes about a quarter of it.
const BRISK: Duration = Duration::from_micros(400);
/// When none has ended for so long, those that run are not what the cores are busy with.
pub(super) const STALE: Duration = Duration::from_millis(10);
/// Environments per core that are always worth keeping busy.
const PER_CORE: usize = 2;

/// The ends of a function's invocations, counted.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    window: Option<Instant>,
    ended: u32,
    last: Option<Instant>,
    cap: Option<usize>,
}

impl Crowd {
    /// An invocation has ended; `active` others run.
    pub(super) fn ended(&mut self, now: Instant, active: usize, cores: &Cores) {
        self.last = Some(now);
        self.ended += 1;
        let began = *self.window.get_or_insert(now);
        let passed = now.saturating_duration_since(began);
        if passed < WINDOW {
            return;
        }
        let core_time = passed * u32::try_from(cores.count()).unwrap_or(u32::MAX) / self.ended;
        self.cap = self.next(core_time <= BRISK && passed < 2 * WINDOW, active, cores, now);
        self.window = Some(now);
        self.ended = 0;
    }

    fn next(&self, brisk: bool, active: usize, cores: &Cores, now: Instant) -> Option<usize> {
        let floor = PER_CORE * cores.count();
        match (brisk, self.cap) {
            (true, _) if cores.are_busy(now) => {
                let cap = self.cap.unwrap_or(usize::MAX).min(active + 1);
                Some((cap / 2).max(floor))
            }
            (true, Some(cap)) => Some(cap + 1),
            (false, Some(cap)) if cap < floor * 64 => Some(cap * 2),
            (_, None) | (false, Some(_)) => None,
        }
    }

    /// How many may be busy now.
    pub(super) fn cap(&self, now: Instant) -> usize {
        let moves = self
            .last
            .is_some_and(|last| now.saturating_duration_since(last) < STALE);
        self.cap.filter(|_| moves).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::Node;

    /// A machine whose idle time is set, in microseconds.
    #[derive(Default)]
    struct Two(AtomicU64);

    impl Node for Two {
        fn available_memory(&self) -> Option<u64> {
            None
        }
        fn idle_time(&self) -> Option<Duration> {
            Some(Duration::from_micros(self.0.load(Ordering::Relaxed)))
        }
        fn cores(&self) -> usize {
            2
        }
    }

    struct Stage {
        node: Arc<Two>,
        cores: Cores,
        crowd: Crowd,
        now: Instant,
    }

    impl Stage {
        fn new() -> Self {
            let node = Arc::new(Two::default());
            let cores = Cores::new(Arc::clone(&node) as Arc<dyn Node>);
            let now = Instant::now();
            // The first look only begins.
            cores.are_busy(now);
            Self {
                node,
                cores,
                crowd: Crowd::default(),
                now,
            }
        }

        /// A second in which an invocation ends every `pause`, and one core has nothing to do or none.
        fn second(&mut self, pause: Duration, idle: bool, active: usize) -> usize {
            let end = self.now + Duration::from_secs(1);
            while self.now < end {
                self.now += pause;
                if idle {
                    self.node.0.fetch_add(pause.as_micros() as u64, Ordering::Relaxed);
                }
                self.crowd.ended(self.now, active, &self.cores);
            }
            self.crowd.cap(self.now)
        }
    }

    const OFTEN: Duration = Duration::from_micros(100);
    const SELDOM: Duration = Duration::from_millis(1);

    #[test]
    fn few_take_turns_on_busy_cores() {
        assert_eq!(Stage::new().second(OFTEN, false, 63), 4);
    }

    #[test]
    fn idle_cores_have_time_for_all() {
        assert_eq!(Stage::new().second(OFTEN, true, 63), usize::MAX);
    }

    #[test]
    fn what_takes_longer_is_not_held_back() {
        assert_eq!(Stage::new().second(SELDOM, false, 63), usize::MAX);
    }

    #[test]
    fn there_are_more_again_when_the_cores_have_time() {
        let mut stage = Stage::new();
        stage.second(OFTEN, false, 63);
        assert!(stage.second(OFTEN, true, 4) > 8);
        assert_eq!(stage.second(SELDOM, false, 4), usize::MAX);
    }

    #[test]
    fn those_that_do_not_end_hold_nobody_back() {
        let mut stage = Stage::new();
        stage.second(OFTEN, false, 63);
        assert_eq!(stage.crowd.cap(stage.now + STALE), usize::MAX);
    }
}
