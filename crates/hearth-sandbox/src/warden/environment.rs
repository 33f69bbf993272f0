//! What the warden remembers of an environment.

use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::process::Pid;

use super::socket::Pace;
use crate::isolation::bounds::Bound;
use crate::isolation::limits::Limits;
use crate::isolation::privileges::Identity;

/// An environment whose first process has not been reaped yet.
pub(super) struct Environment {
    /// What holds it.
    pub(super) bound: Box<dyn Bound>,
    pub(super) limits: Limits,
    pub(super) user: Identity,
    /// Its first process.
    pub(super) pid: Pid,
    /// The same as a descriptor.
    pub(super) process: OwnedFd,
    /// Where its first process reports.
    pub(super) status: OwnedFd,
    /// Its interpreter, once that has started, or its attendant.
    pub(super) interpreter: Option<OwnedFd>,
    /// When to look at its memory, unless an event comes first.
    pub(super) check_memory: Option<Instant>,
    pub(super) out_of_memory: bool,
    /// Hands its connections to the server for as long as it is open.
    pub(super) steering: Option<OwnedFd>,
    /// How many sockets it is given.
    pub(super) sockets: Pace,
    pub(super) phase: Phase,
    /// The interpreter's wait status and peak memory, once it has ended.
    pub(super) ended: Option<(i32, u64)>,
}

/// How far an environment has come.
pub(super) enum Phase {
    /// It is being made: who asked, and the server's ends of its sockets.
    Booting(Booting),
    /// It waits for its code.
    Booted,
    /// It has its code.
    Claimed,
    /// It could not be made, which the server knows already.
    Failed,
}

impl Phase {
    /// The environment says that it has started: it waits for its code from now on. `None`, and nothing changes, if
    /// it was not being made: who says so then has broken out of an interpreter.
    pub(super) fn start(&mut self) -> Option<Booting> {
        match std::mem::replace(self, Self::Booted) {
            Self::Booting(booting) => Some(booting),
            other => {
                *self = other;
                None
            }
        }
    }
}

/// What is kept until an environment has started.
pub(super) struct Booting {
    pub(super) tag: u32,
    pub(super) control: OwnedFd,
    pub(super) output: OwnedFd,
    /// The sockets that hear its network, unless it is about to make them itself.
    pub(super) listener: Option<Vec<OwnedFd>>,
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn an_environment_starts_once() {
        let file = || OwnedFd::from(File::open("/dev/null").unwrap());
        let mut phase = Phase::Booting(Booting {
            tag: 7,
            control: file(),
            output: file(),
            listener: None,
        });
        assert_eq!(phase.start().map(|booting| booting.tag), Some(7));
        assert!(matches!(phase, Phase::Booted));
        assert!(phase.start().is_none());
        let mut claimed = Phase::Claimed;
        assert!(claimed.start().is_none());
        assert!(matches!(claimed, Phase::Claimed), "it could be claimed again");
        let mut failed = Phase::Failed;
        assert!(failed.start().is_none());
        assert!(matches!(failed, Phase::Failed), "its end would be told");
    }
}
