//! Sockets in the networks of environments, by which the server reaches what listens inside.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use hearth_types::EnvironmentId;

use super::Warden;
use super::environment::Phase;
use crate::protocol::Refusal;

/// How many an environment is given within [`WINDOW`].
const MOST: u32 = 256;
/// The time that they are counted over.
const WINDOW: Duration = Duration::from_secs(1);

/// Counts what an environment is given.
#[derive(Debug)]
pub(super) struct Pace {
    since: Instant,
    taken: u32,
}

impl Pace {
    /// Nothing has been given.
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, taken: 0 }
    }

    /// Whether there may be one more.
    fn allows(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) >= WINDOW {
            *self = Self::new(now);
        }
        let allows = self.taken < MOST;
        self.taken += u32::from(allows);
        allows
    }
}

impl Warden {
    /// Makes a socket in the network of an environment that has its code.
    pub(super) fn make_socket(&mut self, id: EnvironmentId) -> Result<OwnedFd, Refusal> {
        let environment = self.environments.get_mut(&id);
        let environment = environment.filter(|environment| matches!(environment.phase, Phase::Claimed));
        let environment = environment.ok_or(Refusal::NoSuchEnvironment)?;
        if !environment.sockets.allows(Instant::now()) {
            return Err(Refusal::Full);
        }
        let made = self.ground.socket(environment.process.as_fd());
        made.map_err(|error: io::Error| Refusal::Setup(error.raw_os_error().unwrap_or(libc::EIO)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_given_than_in_the_window() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert!((0..MOST).all(|_| pace.allows(start)));
        assert!(!pace.allows(start + WINDOW - Duration::from_millis(1)));
        assert!((0..MOST).all(|_| pace.allows(start + WINDOW)));
        assert!(!pace.allows(start + WINDOW));
    }
}
