//! What holds environments to their limits and measures what they use: how that is done depends on what the
//! kernel lets Hearth do.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll::EventFlags;
use rustix::process::Pid;

use super::limits::Limits;

/// The bounds of all environments of one warden.
pub(crate) trait Bounds {
    /// Makes the bounds of an environment, before it has a process.
    fn make(&self, name: &str, limits: Limits) -> io::Result<Box<dyn Bound>>;

    /// Removes what all environments share. None is left.
    fn close(self: Box<Self>) -> io::Result<()>;
}

/// The bounds of one environment.
pub(crate) trait Bound {
    /// The control group that the environment's first process is to be created in.
    fn entry(&self) -> io::Result<Option<OwnedFd>>;

    /// The descriptors that [`Self::enter`] and [`Self::settle`] need.
    fn inherited(&self) -> Vec<BorrowedFd<'_>>;

    /// Puts the calling process, the environment's first, into its bounds.
    fn enter(&self) -> io::Result<()>;

    /// Called in init when the interpreter has started: closes every descriptor but `kept`, and does what may
    /// take its time.
    fn settle(&self, kept: &[BorrowedFd<'_>]) -> io::Result<()>;

    /// The environment has started; this is its first process. Says when to look at its memory, if not only
    /// when the alarm comes.
    fn started(&mut self, first: Pid) -> io::Result<Option<Duration>>;

    /// Changes the limits that depend on the environment's size.
    fn change(&mut self, limits: Limits) -> io::Result<()>;

    /// What announces that memory is running out.
    fn alarm(&self) -> Option<(BorrowedFd<'_>, EventFlags)>;

    /// Looks at the memory in use.
    fn check(&mut self) -> Memory;

    /// Looks a last time, before the environment is killed, at what cannot be known afterwards.
    fn last_look(&mut self);

    /// The kernel has killed a process of the environment for want of memory.
    fn ran_out_of_memory(&self) -> bool;

    /// A file that says how much memory is in use, for someone else.
    fn gauge(&self) -> io::Result<OwnedFd>;

    /// A file that freezes and thaws the environment, for someone else, where a frozen process can be killed like any
    /// other: whoever holds it shall not be able to keep what the warden ends. `Ok(None)` where there is no such thing.
    fn freezer(&self) -> io::Result<Option<OwnedFd>>;

    /// The most memory any check has seen, in bytes.
    fn peak(&self) -> u64;

    /// CPU time of all processes that ever were in it. `waited` is that of those that were waited for.
    fn cpu_time(&self, waited: Duration) -> Duration;

    /// Removes the bounds when the processes have ended. `Ok(false)` if they are still in use: try again.
    fn remove(&mut self) -> io::Result<bool>;
}

/// What a look at an environment's memory found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// Within the limit: look again after this time, or else when the alarm comes.
    Within(Option<Duration>),
    /// Over the limit.
    Exceeded,
}
