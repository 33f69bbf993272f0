//! What becomes of an asynchronous invocation after an attempt: AWS's rules as a pure function.

use std::time::{Duration, SystemTime};

use hearth_engine::{InvokeError, Outcome};

use crate::LambdaOptions;

/// What to do with the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The function ran to its end.
    Done,
    /// The function failed; it gets another attempt.
    Retry { due: SystemTime },
    /// The function was not reached; the attempt does not count.
    Return { due: SystemTime },
    /// No more attempts.
    Drop(DropReason),
}

/// Why an event gets no more attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DropReason {
    /// The function failed every attempt.
    RetriesExhausted,
    /// The event became too old.
    EventAgeExceeded,
}

/// What is known of the event besides the attempt's result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct History {
    /// When it was accepted.
    pub(crate) accepted_at: SystemTime,
    /// Attempts that the function failed before this one.
    pub(crate) failures: u32,
    /// How often the event was taken out of the queue since then, this time included.
    pub(crate) receives: u32,
}

/// Why an attempt did not reach the function.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotReached {
    /// The function is not ready.
    #[error("the function is not active")]
    NotActive,
    /// The engine refused.
    #[error(transparent)]
    Engine(#[from] InvokeError),
}

/// Decides after an attempt that ended at `now`.
pub(crate) fn decide(
    attempt: &Result<Outcome, NotReached>,
    history: History,
    now: SystemTime,
    options: &LambdaOptions,
) -> Verdict {
    let expiry = history.accepted_at + options.event_age;
    match attempt {
        Ok(Outcome { error: None, .. }) => Verdict::Done,
        Ok(_) => match options.retry_delays.get(history.failures as usize) {
            None => Verdict::Drop(DropReason::RetriesExhausted),
            Some(delay) if now + *delay > expiry => Verdict::Drop(DropReason::EventAgeExceeded),
            Some(delay) => Verdict::Retry { due: now + *delay },
        },
        Err(NotReached::Engine(InvokeError::ShuttingDown)) => Verdict::Return { due: now },
        Err(_) if now >= expiry => Verdict::Drop(DropReason::EventAgeExceeded),
        Err(_) => Verdict::Return {
            due: (now + back_off(history.receives, options)).min(expiry),
        },
    }
}

/// Doubles with each time the event was received.
fn back_off(receives: u32, options: &LambdaOptions) -> Duration {
    let doublings = receives.saturating_sub(1).min(31);
    options
        .back_off
        .saturating_mul(1 << doublings)
        .min(options.back_off_limit)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use hearth_engine::{FunctionError, ThrottleReason};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn outcome(failed: bool) -> Result<Outcome, NotReached> {
        let error = FunctionError {
            kind: "Unhandled",
            error_type: "Error".into(),
        };
        Ok(Outcome {
            payload: "{}".into(),
            error: failed.then_some(error),
            log_tail: None,
            duration: SECOND,
            init_duration: None,
            max_memory_mb: 1,
        })
    }

    fn throttled() -> Result<Outcome, NotReached> {
        let reason = ThrottleReason::ConcurrentInvocationLimitExceeded;
        Err(NotReached::Engine(InvokeError::Throttled(reason)))
    }

    fn after(attempt: &Result<Outcome, NotReached>, failures: u32, receives: u32, seconds: u64) -> Verdict {
        let history = History {
            accepted_at: UNIX_EPOCH,
            failures,
            receives,
        };
        decide(attempt, history, at(seconds), &LambdaOptions::default())
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_function_error_is_retried_after_one_and_two_minutes() {
        assert_eq!(after(&outcome(false), 0, 1, 1), Verdict::Done);
        assert_eq!(after(&outcome(true), 0, 1, 1), Verdict::Retry { due: at(61) });
        assert_eq!(after(&outcome(true), 1, 1, 61), Verdict::Retry { due: at(181) });
        assert_eq!(
            after(&outcome(true), 2, 1, 181),
            Verdict::Drop(DropReason::RetriesExhausted)
        );
    }

    #[test]
    fn an_attempt_that_never_ran_backs_off_up_to_five_minutes() {
        let waits = [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (4000, 300)];
        for (receives, wait) in waits {
            assert_eq!(
                after(&throttled(), 2, receives, 0),
                Verdict::Return { due: at(wait) }
            );
        }
        assert_eq!(
            after(&Err(NotReached::NotActive), 0, 1, 0),
            Verdict::Return { due: at(1) }
        );
        let closing = Err(NotReached::Engine(InvokeError::ShuttingDown));
        assert_eq!(after(&closing, 0, 7, 5), Verdict::Return { due: at(5) });
    }

    #[test]
    fn nothing_waits_longer_than_the_event_age() {
        let six_hours = 6 * 3600;
        assert_eq!(
            after(&throttled(), 0, 20, six_hours - 1),
            Verdict::Return { due: at(six_hours) }
        );
        assert_eq!(
            after(&throttled(), 0, 20, six_hours),
            Verdict::Drop(DropReason::EventAgeExceeded)
        );
        assert_eq!(
            after(&outcome(true), 0, 1, six_hours),
            Verdict::Drop(DropReason::EventAgeExceeded)
        );
    }
}
