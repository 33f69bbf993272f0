//! What the engine asks of whatever isolates environments.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::time::Duration;

use hearth_types::inside::Addresses;
use hearth_types::{CodeHash, EnvironmentId, Places};
use tokio::sync::oneshot;

use crate::{FolderIndex, Freezer, MemoryGauge};

/// A future that can live in a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Creates, identifies and destroys execution environments.
pub trait Sandbox: Send + Sync {
    /// Starts an environment that has an interpreter and a bootstrap, but no code and no identity.
    fn boot(&self, request: BootRequest) -> BoxFuture<'_, Result<Booted, SandboxError>>;

    /// Gives a booted environment its code, its /tmp and its final limits. At most once per environment.
    fn claim(&self, id: EnvironmentId, request: ClaimRequest) -> BoxFuture<'_, Result<(), SandboxError>>;

    /// Resolves when every change of a folder that was made before the call has been told to whoever is told of them.
    /// Fails when it cannot be shown any more.
    fn settle(&self, folder: FolderIndex) -> BoxFuture<'_, Result<(), SandboxError>> {
        let _ = folder;
        Box::pin(async { Ok(()) })
    }

    /// A TCP socket in the network of a claimed environment, neither bound nor connected and non-blocking. What
    /// listens inside is reached at the environment's own loopback. An environment is given a few hundred in a second.
    fn socket(&self, id: EnvironmentId) -> BoxFuture<'_, Result<OwnedFd, SandboxError>>;

    /// Asks the interpreter of an environment to end, by SIGTERM. One that handles it and is frozen does so when it goes
    /// on. Does nothing if it has ended.
    fn terminate(&self, id: EnvironmentId);

    /// Ends an environment and everything in it, frozen or not. Its [`Exit`] is still reported. Does nothing if it has
    /// ended.
    fn kill(&self, id: EnvironmentId);
}

/// A runtime's place in the table the launcher gave the warden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuntimeIndex(pub u16);

impl RuntimeIndex {
    /// No interpreter at all: the function's own `bootstrap` is executed. In no launcher's table, every warden
    /// knows it. Its environments start [deferred](Start::Deferred) and have no frame socket: when the bootstrap is
    /// executed their control socket closes; if it cannot be, a [`LaunchFailure`] comes first.
    pub const CUSTOM: Self = Self(u16::MAX);

    /// Its place in the table, unless there is none.
    pub(crate) fn in_table(self) -> Option<usize> {
        (self != Self::CUSTOM).then_some(usize::from(self.0))
    }
}

/// Where a function's own bootstrap is looked for, in order, by the names AWS gives these places.
pub const BOOTSTRAPS: [&str; 2] = ["/var/task/bootstrap", "/opt/bootstrap"];

/// Why a function's own bootstrap was not executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaunchFailure {
    /// There is none.
    Missing,
    /// The kernel refused this one of [`BOOTSTRAPS`], with this error number.
    Refused(usize, i32),
}

impl LaunchFailure {
    /// Bytes of a record.
    pub const SIZE: usize = 5;

    /// The record that comes over the control socket: a place in [`BOOTSTRAPS`], or 255, and the error number.
    pub fn encode(self) -> [u8; Self::SIZE] {
        let (place, errno) = match self {
            Self::Missing => (u8::MAX, 0),
            Self::Refused(place, errno) => (place as u8, errno),
        };
        let [a, b, c, d] = errno.to_le_bytes();
        [place, a, b, c, d]
    }

    /// Reads a record. `None` for anything that is not one.
    pub fn decode(record: &[u8]) -> Option<Self> {
        let [place, errno @ ..] = <[u8; Self::SIZE]>::try_from(record).ok()?;
        match (usize::from(place), i32::from_le_bytes(errno)) {
            (255, 0) => Some(Self::Missing),
            (place, errno) if place < BOOTSTRAPS.len() => Some(Self::Refused(place, errno)),
            _ => None,
        }
    }
}

/// When the interpreter is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Start {
    /// At once, with an almost empty environment.
    Ready,
    /// The sandbox is complete, but the interpreter waits for its environment variables: one block on the
    /// control socket, `u32` length (big-endian) and then entries, each ended by a NUL: a wrapper, and
    /// `KEY=VALUE`. The wrapper is a program that is executed instead, with the interpreter's command line as its
    /// arguments; mostly it is empty.
    Deferred,
}

/// What to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootRequest {
    /// The interpreter.
    pub runtime: RuntimeIndex,
    /// Memory of the functions this environment may be claimed for, in MB; fixes the interpreter's heap.
    pub memory_mb: u32,
    /// When to start the interpreter.
    pub start: Start,
}

/// A started environment. Dropping it does not end it: [`Sandbox::kill`] does.
#[derive(Debug)]
pub struct Booted {
    /// Names the environment towards the sandbox.
    pub id: EnvironmentId,
    /// The server's end of the frame socket, a stream.
    pub control: OwnedFd,
    /// The read end of the pipe that standard output and standard error share.
    pub output: OwnedFd,
    /// Tells how much memory the environment uses.
    pub memory: MemoryGauge,
    /// Stops it and lets it go on. `None` where it cannot be frozen.
    pub freezer: Option<Freezer>,
    /// Where it finds its files.
    pub places: Places,
    /// Hears the environment's network. `None` where it has no network of its own but uses the host's.
    pub listener: Option<Listener>,
    /// Resolves once, when the environment has ended and nothing of it is left running. An error if the
    /// warden ends first, which ends every environment.
    pub exit: oneshot::Receiver<Exit>,
}

/// The server's ends of an environment's network: sockets in the environment's network namespace, which live on when
/// the environment has ended and keep the namespace until they are closed. All of them are non-blocking.
#[derive(Debug)]
pub struct Listener {
    /// A listening TCP socket at [`Addresses::runtime_api`]. With [`Reach::Everything`] it receives every TCP
    /// connection made inside, but those to loopback addresses. The local address of an accepted connection is the
    /// one it was made to; IPv4 addresses may be written as IPv6.
    pub tcp: OwnedFd,
    /// A listening TCP socket at [`Addresses::api`]. With [`Reach::Everything`] nothing arrives here.
    pub api: OwnedFd,
    /// A UDP socket at the same address, port [`DNS_PORT`](hearth_types::inside::DNS_PORT). None with [`Reach::Host`].
    pub dns: Option<OwnedFd>,
    /// Which connections arrive.
    pub reach: Reach,
    /// Where the environment finds these sockets.
    pub addresses: Addresses,
}

/// Which connections of an environment arrive at its [`Listener`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those to every address.
    Everything,
    /// Those to Hearth. The kernel does not allow more; connections to other addresses are refused inside.
    Hearth,
    /// Those to Hearth, and all others go where they would go from any process of the host, unheard.
    Host,
}

/// What appears at /var/task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// An unpacked package.
    Package(CodeHash),
    /// A folder of the user's, as it is.
    Folder(FolderIndex),
}

impl From<CodeHash> for Code {
    fn from(package: CodeHash) -> Self {
        Self::Package(package)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Package(hash) => write!(f, "code package {hash}"),
            Self::Folder(folder) => write!(f, "folder {}", folder.0),
        }
    }
}

/// What a booted environment becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimRequest {
    /// What appears at /var/task.
    pub code: Code,
    /// The unpacked layers that appear at /opt, several of them merged into one tree; an empty directory without.
    pub layers: Option<CodeHash>,
    /// Memory, in MB.
    pub memory_mb: u32,
    /// Size of /tmp, in MB.
    pub ephemeral_mb: u32,
}

/// How an environment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The interpreter's wait status.
    pub status: ExitStatus,
    /// It was killed because it used more memory than it was given.
    pub out_of_memory: bool,
    /// The most memory it was seen to use (see [`MemoryGauge::peak_bytes`]).
    pub peak_memory_bytes: u64,
    /// CPU time of all its processes together.
    pub cpu: Duration,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// It exited by itself with this code, 0 to 255.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl ExitStatus {
    /// Reads a wait status.
    pub fn of_wait(status: i32) -> Self {
        if libc::WIFSIGNALED(status) {
            Self::Signal(libc::WTERMSIG(status))
        } else {
            Self::Code(libc::WEXITSTATUS(status))
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// Why a request to the sandbox failed.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The launcher's table has no such runtime.
    #[error("the sandbox knows no runtime number {}", .0.0)]
    NoSuchRuntime(RuntimeIndex),
    /// There is no unpacked package of this hash or folder of this number, or the layers are not there.
    #[error("{0} or its layers are not there")]
    NoSuchCode(Code),
    /// A folder is not shown any more, for this reason, in words for the user.
    #[error("{0}")]
    NotShown(String),
    /// The environment has ended, or never was.
    #[error("{0} is not running")]
    NoSuchEnvironment(EnvironmentId),
    /// The environment has its code already.
    #[error("{0} is claimed already")]
    AlreadyClaimed(EnvironmentId),
    /// As many environments run as the warden has user ids for.
    #[error("the sandbox is full")]
    Full,
    /// The kernel refused a step.
    #[error("the sandbox could not be set up: {0}")]
    Setup(#[source] io::Error),
    /// The warden is gone, and with it every environment.
    #[error("the warden has ended")]
    WardenDied,
}
