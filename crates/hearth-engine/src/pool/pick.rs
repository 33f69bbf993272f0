//! The rule by which an invocation gets its environment: wait for one that is busy, wake one that is idle, or start one,
//! whichever is predicted to answer first.

use std::time::Duration;

/// What waking an idle environment costs: its core sleeps.
pub(super) const WAKING: Duration = Duration::from_micros(100);

/// What an invocation finds when it comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    /// Invocations that wait already.
    pub(super) waiting: usize,
    /// Environments that run invocations.
    pub(super) active: usize,
    /// Environments that are being started.
    pub(super) starting: usize,
    /// Whether one is idle.
    pub(super) idle: bool,
    /// How long an environment is busy with an invocation; unknown before the first.
    pub(super) takes: Option<Duration>,
    /// How long a start takes; unknown before the first.
    pub(super) start: Option<Duration>,
    /// How many busy environments the cores have time for.
    pub(super) cap: usize,
}

/// What to do about an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    /// It waits: a busy environment will be free sooner than another one could be had.
    Wait,
    /// An idle environment takes the invocation that has waited longest.
    Wake,
    /// One more is started.
    Start,
}

impl Situation {
    pub(super) fn pick(&self) -> Pick {
        if self.idle {
            let waits = self.active > 0 && (self.active >= self.cap || self.wait(self.active) < WAKING);
            return if waits { Pick::Wait } else { Pick::Wake };
        }
        let coming = self.active + self.starting;
        if coming == 0 {
            return Pick::Start;
        }
        let waits = coming >= self.cap || self.wait(coming) <= patience(self.start);
        if waits { Pick::Wait } else { Pick::Start }
    }

    /// The predicted wait for the first of `environments` that is free for this invocation. What a function never run
    /// takes is taken for long.
    fn wait(&self, environments: usize) -> Duration {
        let ahead = u32::try_from(self.waiting + 1).unwrap_or(u32::MAX);
        let environments = u32::try_from(environments).unwrap_or(u32::MAX);
        self.takes
            .map_or(Duration::MAX, |takes| takes.saturating_mul(ahead) / environments)
    }
}

/// How long an invocation waits at most before an environment is started for it: half of what that takes.
pub(super) fn patience(start: Option<Duration>) -> Duration {
    start.unwrap_or_default() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const US: Duration = Duration::from_micros(1);

    const QUIET: Situation = Situation {
        waiting: 0,
        active: 0,
        starting: 0,
        idle: false,
        takes: Some(MS),
        start: Some(Duration::from_millis(30)),
        cap: usize::MAX,
    };

    #[test]
    fn the_first_one_starts_and_the_next_one_wakes() {
        assert_eq!(QUIET.pick(), Pick::Start);
        assert_eq!(Situation { idle: true, ..QUIET }.pick(), Pick::Wake);
    }

    #[test]
    fn a_function_never_run_before_starts_at_once() {
        for starting in [1, 100] {
            let new = Situation {
                starting,
                waiting: starting,
                takes: None,
                start: None,
                ..QUIET
            };
            assert_eq!(new.pick(), Pick::Start);
        }
    }

    #[test]
    fn an_idle_one_sleeps_on_when_a_busy_one_is_free_sooner() {
        let busy = |active, waiting| Situation {
            active,
            waiting,
            idle: true,
            takes: Some(110 * US),
            ..QUIET
        };
        assert_eq!(busy(1, 0).pick(), Pick::Wake);
        assert_eq!(busy(2, 0).pick(), Pick::Wait);
        assert_eq!(busy(2, 1).pick(), Pick::Wake);
        assert_eq!(busy(4, 2).pick(), Pick::Wait);
    }

    #[test]
    fn one_starts_when_the_queue_takes_longer_than_half_a_start() {
        let queue = |waiting, takes| Situation {
            active: 2,
            waiting,
            takes: Some(takes),
            ..QUIET
        };
        // 15 ms are half a start.
        assert_eq!(queue(2, 10 * MS).pick(), Pick::Wait);
        assert_eq!(queue(3, 10 * MS).pick(), Pick::Start);
        assert_eq!(queue(100, 100 * US).pick(), Pick::Wait);
    }

    #[test]
    fn environments_that_are_being_started_count_as_those_that_run() {
        let burst = |waiting, takes| Situation {
            waiting,
            starting: waiting,
            takes: Some(takes),
            ..QUIET
        };
        // Every invocation of a second gets its own, hundreds of a tenth of a millisecond share one.
        for waiting in [1, 10, 1000] {
            assert_eq!(burst(waiting, 1000 * MS).pick(), Pick::Start);
        }
        let short = Situation {
            starting: 1,
            ..burst(100, 100 * US)
        };
        assert_eq!(short.pick(), Pick::Wait);
    }

    #[test]
    fn no_more_are_busy_than_the_cores_have_time_for() {
        let long = Situation {
            active: 4,
            waiting: 60,
            takes: Some(1000 * MS),
            cap: 4,
            ..QUIET
        };
        assert_eq!(long.pick(), Pick::Wait);
        assert_eq!(Situation { idle: true, ..long }.pick(), Pick::Wait);
        assert_eq!(Situation { cap: 5, ..long }.pick(), Pick::Start);
    }
}
