//! Network namespaces that hold nothing but a loopback interface, on which every address there is ends.
//!
//! What connects inside reaches the server through a [`crate::Listener`]: a program of the kernel's hands every TCP
//! connection to one socket, whatever address it was made to (see `steering.rs`). Nothing of it leaves the
//! machine but through the server.
//!
//! Making a namespace costs more than the rest of an environment together, entering one that is there next to
//! nothing. So a few are made ahead. Each is used once: nothing an environment leaves behind reaches another.

mod listener;
mod route;
mod rules;
mod steering;

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::thread::{LinkNameSpaceType, ThreadNameSpaceType, UnshareFlags};

pub(crate) use listener::Parts;

use crate::sys;

/// How many are kept ready.
const READY: usize = 16;

/// Network namespaces that were made ahead.
pub(crate) struct Networks {
    /// The warden's own, empty one.
    home: OwnedFd,
    ready: Vec<Network>,
    /// The last attempt to make one failed. The next follows when one is needed.
    failed: bool,
    /// Whether connections to any address can be handed to the server, or only those to its own.
    pub(crate) interception: Option<Interception>,
}

/// How connections to any address are handed to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interception {
    /// A program of the kernel's chooses their socket.
    Program,
    /// Rules of the packet filter do.
    Rules,
}

impl Interception {
    /// What this process can do, tried out in the current namespace, where it may leave something.
    pub(crate) fn find() -> Option<Self> {
        match steering::is_possible() {
            true => Some(Self::Program),
            false => rules::work_here().then_some(Self::Rules),
        }
    }

    /// Hands the connections of the current namespace to a socket, at the longest for as long as the result is open.
    fn attach(self, listener: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        match self {
            Self::Program => steering::attach(listener),
            Self::Rules => rules::attach(listener),
        }
    }
}

/// A network namespace nobody has entered yet.
pub(crate) struct Network {
    namespace: OwnedFd,
    /// What the server hears of it.
    pub(crate) parts: Parts,
}

impl AsFd for Network {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.namespace.as_fd()
    }
}

impl Networks {
    /// Moves the process into an empty network namespace, so that it has no network itself.
    pub(crate) fn leave_host() -> io::Result<Self> {
        leave()?;
        Ok(Self {
            home: current()?,
            ready: Vec::new(),
            failed: false,
            interception: Interception::find(),
        })
    }

    /// A namespace for one environment. If none is ready, the environment makes its own.
    pub(crate) fn take(&mut self) -> Option<Network> {
        self.failed = false;
        self.ready.pop()
    }

    /// Whether [`Self::prepare`] has something to do.
    pub(crate) fn is_short(&self) -> bool {
        !self.failed && self.ready.len() < READY
    }

    /// A socket in the namespace that a process is in.
    pub(crate) fn socket(&self, process: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        rustix::thread::move_into_thread_name_spaces(process, ThreadNameSpaceType::NETWORK)?;
        let socket = stream();
        enter(self.home.as_fd()).expect("the warden can always go home");
        socket
    }

    /// Makes one ahead.
    pub(crate) fn prepare(&mut self) {
        let made = enter_new(self.interception).and_then(|parts| {
            Ok(Network {
                namespace: current()?,
                parts,
            })
        });
        let made = enter(self.home.as_fd()).and(made);
        self.failed = made.is_err();
        self.ready.extend(made);
    }
}

/// Moves the calling process into an empty namespace.
pub(crate) fn leave() -> io::Result<()> {
    sys::unshare(UnshareFlags::NEWNET)
}

/// Moves the calling process into a namespace.
pub(crate) fn enter(namespace: BorrowedFd<'_>) -> io::Result<()> {
    let network = Some(LinkNameSpaceType::Network);
    Ok(rustix::thread::move_into_link_name_space(namespace, network)?)
}

/// Moves the calling process into a namespace that is made for it.
pub(crate) fn enter_new(interception: Option<Interception>) -> io::Result<Parts> {
    sys::unshare(UnshareFlags::NEWNET)?;
    raise_loopback()?;
    route::end_every_address_here()?;
    Parts::open(interception)
}

/// A TCP socket of the current namespace, neither bound nor connected and non-blocking.
pub(crate) fn stream() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(
        AddressFamily::INET,
        SocketType::STREAM,
        flags,
        None,
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
