//! A process the launcher has started.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, Signal};

use crate::sys;

/// A child of this process.
#[derive(Debug)]
pub(super) struct Process {
    pid: Pid,
    pidfd: OwnedFd,
    /// How it ended, once it was waited for.
    ended: Option<ExitStatus>,
}

impl Process {
    /// Takes a child over.
    pub(super) fn new(pid: Pid, pidfd: OwnedFd) -> Self {
        Self {
            pid,
            pidfd,
            ended: None,
        }
    }

    /// Its number.
    pub(super) fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get() as u32
    }

    /// A descriptor that names it, and is readable when it has ended.
    pub(super) fn descriptor(&self) -> &OwnedFd {
        &self.pidfd
    }

    /// Waits for its end.
    pub(super) fn wait(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.ended {
            return Ok(status);
        }
        let ended = sys::wait(Some(self.pid), true)?.ok_or(io::ErrorKind::WouldBlock)?;
        let status = ExitStatus::from_raw(ended.status);
        self.ended = Some(status);
        Ok(status)
    }

    /// Sends a signal. One that has ended needs none any more.
    pub(super) fn signal(&self, signal: Signal) {
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, signal);
    }

    /// Lets the process end by itself, and helps when the time is over.
    pub(super) fn end_within(&mut self, time: Duration) -> io::Result<ExitStatus> {
        let [ended] = poll([self.pidfd.as_fd()], Some(Instant::now() + time))?;
        if !ended {
            self.signal(Signal::KILL);
        }
        self.wait()
    }
}

/// Which descriptors are readable, waiting until one is or the time has come.
pub(crate) fn poll<const N: usize>(
    descriptors: [BorrowedFd<'_>; N],
    deadline: Option<Instant>,
) -> io::Result<[bool; N]> {
    let mut polled = descriptors.map(|descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN));
    loop {
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        match rustix::event::poll(&mut polled, timeout.as_ref()) {
            Err(rustix::io::Errno::INTR) => {}
            other => {
                other?;
                return Ok(polled.map(|polled| !polled.revents().is_empty()));
            }
        }
    }
}
