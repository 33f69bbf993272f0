//! Network namespaces that hold nothing but a loopback interface.
//!
//! Making one costs more than the rest of an environment together, entering one that is there next to
//! nothing. So a few are made ahead. Each is used once: nothing an environment leaves behind reaches another.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::thread::{LinkNameSpaceType, UnshareFlags};

use crate::sys;

/// How many are kept ready.
const READY: usize = 16;

/// Makes network namespaces.
pub(crate) struct Networks {
    /// The warden's own, empty one.
    home: OwnedFd,
    ready: Vec<OwnedFd>,
    /// The last attempt to make one failed, so that none is made ahead until one was needed and could be
    /// made.
    broken: bool,
}

impl Networks {
    /// Moves the process into an empty network namespace, so that it has no network itself.
    pub(crate) fn leave_host() -> io::Result<Self> {
        sys::unshare(UnshareFlags::NEWNET)?;
        Ok(Self {
            home: current()?,
            ready: Vec::new(),
            broken: false,
        })
    }

    /// A namespace for one environment.
    pub(crate) fn take(&mut self) -> io::Result<OwnedFd> {
        if let Some(ready) = self.ready.pop() {
            return Ok(ready);
        }
        let made = self.make();
        self.broken = made.is_err();
        made
    }

    /// Whether [`Self::prepare`] has something to do.
    pub(crate) fn is_short(&self) -> bool {
        !self.broken && self.ready.len() < READY
    }

    /// Makes one ahead.
    pub(crate) fn prepare(&mut self) {
        match self.make() {
            Ok(made) => self.ready.push(made),
            // Whoever needs one hears why there is none.
            Err(_) => self.broken = true,
        }
    }

    fn make(&self) -> io::Result<OwnedFd> {
        sys::unshare(UnshareFlags::NEWNET)?;
        let made = current().and_then(|namespace| raise_loopback().map(|()| namespace));
        enter(self.home.as_fd())?;
        made
    }
}

/// Moves the calling process into a namespace.
pub(crate) fn enter(namespace: BorrowedFd<'_>) -> io::Result<()> {
    Ok(rustix::thread::move_into_link_name_space(
        namespace,
        Some(LinkNameSpaceType::Network),
    )?)
}

fn current() -> io::Result<OwnedFd> {
    Ok(File::open("/proc/self/ns/net")?.into())
}

fn raise_loopback() -> io::Result<()> {
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, flags, None)?;
    sys::raise_loopback(socket.as_fd())
}
