//! What tells an environment's time.

use std::pin::Pin;

use tokio::time::{Instant, Sleep, sleep_until};

/// One timer for all that is waited for in an environment, one thing after the other. It may ring too early, and is set
/// again then: most of what it is set for is over sooner, and setting a timer for each invocation would cost more than
/// the few that ring for nothing.
#[derive(Debug)]
pub(crate) struct Clock(Pin<Box<Sleep>>);

impl Clock {
    /// Must be called inside a tokio runtime.
    pub(crate) fn new() -> Self {
        Self(Box::pin(sleep_until(Instant::now())))
    }

    /// Waits until a moment, and rounds up to the next millisecond. Cancelling loses nothing.
    pub(crate) async fn reach(&mut self, moment: Instant) {
        loop {
            // A moment that has come needs no timer.
            if self.0.is_elapsed() || self.0.deadline() > moment {
                self.0.as_mut().reset(moment);
            }
            self.0.as_mut().await;
            if self.0.deadline() >= moment {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn it_rings_when_the_moment_has_come_and_not_before() {
        let mut clock = Clock::new();
        let start = Instant::now();
        for (moment, given_up) in [
            (10, Some(1)),
            (5, Some(2)),
            (7, None),
            (9, None),
            (9, None),
            (30, None),
        ] {
            let reached = clock.reach(start + moment * SECOND);
            match given_up {
                Some(given_up) => assert!(
                    timeout(given_up * SECOND - start.elapsed(), reached)
                        .await
                        .is_err()
                ),
                None => {
                    reached.await;
                    assert_eq!(start.elapsed().as_secs(), u64::from(moment));
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_moment_that_has_passed_is_reached_at_once() {
        let mut clock = Clock::new();
        let start = Instant::now();
        tokio::time::sleep(3 * SECOND).await;
        clock.reach(start + SECOND).await;
        assert_eq!(start.elapsed(), 3 * SECOND);
    }
}
