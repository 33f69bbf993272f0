//! The server's end of an environment's attendant, which starts extensions and tells how they end.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hearth_runtime::api::{ExtensionState, RuntimeApi, ShutdownReason};
use hearth_sandbox::ExitStatus;
use hearth_sandbox::attendant::{LARGEST_NOTICE, Notice, Order};
use hearth_types::time::unix_millis;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixDatagram};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, timeout, timeout_at};

use crate::journal::Journal;
use crate::output::Output;

/// How long an environment with external extensions may take to end, as on AWS.
pub(crate) const SHUTDOWN: Duration = Duration::from_secs(2);
/// How much of that is the runtime's own.
const OF_RUNTIME: Duration = Duration::from_millis(600);
/// How long the last of what extensions printed may take to the log.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// An attendant. Dropping it lets it end with its environment.
#[derive(Debug)]
pub(crate) struct Attendant {
    /// Whole packets like a datagram socket's, but connected and in order.
    socket: Arc<UnixDatagram>,
    reader: AbortHandle,
    connections: Connections,
    /// What extensions print, on its way to the log.
    log: Option<JoinHandle<()>>,
}

/// Who waits for a connection, oldest first.
type Connections = Arc<Mutex<VecDeque<oneshot::Sender<io::Result<OwnedFd>>>>>;

/// Makes connections to ports of the environment's loopback, inside.
#[derive(Clone, Debug)]
pub(crate) struct Dialer {
    socket: Arc<UnixDatagram>,
    connections: Connections,
}

impl Dialer {
    /// Connects.
    pub(crate) async fn dial(&self, port: u16) -> io::Result<TcpStream> {
        let (sender, connected) = oneshot::channel();
        {
            // In one step, so that answers come in the order of those who wait.
            let mut waiting = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
            self.socket.try_send(&Order::Connect(port).encode())?;
            waiting.push_back(sender);
        }
        let stream = connected.await.map_err(|_| io::ErrorKind::NotConnected)??;
        rustix::io::ioctl_fionbio(&stream, true)?;
        TcpStream::from_std(stream.into())
    }
}

impl Attendant {
    /// Listens to an attendant; what it tells of extensions changes `api`, the end of the runtime comes by itself.
    pub(crate) fn listen(
        socket: OwnedFd,
        api: RuntimeApi,
    ) -> io::Result<(Self, oneshot::Receiver<ExitStatus>)> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        let socket = Arc::new(UnixDatagram::from_std(socket.into())?);
        let (ended, runtime) = oneshot::channel();
        let connections = Connections::default();
        let hearing = hear(Arc::clone(&socket), api, ended, Arc::clone(&connections));
        let attendant = Self {
            reader: tokio::spawn(hearing).abort_handle(),
            socket,
            connections,
            log: None,
        };
        Ok((attendant, runtime))
    }

    /// Makes connections inside.
    pub(crate) fn dialer(&self) -> Dialer {
        Dialer {
            socket: Arc::clone(&self.socket),
            connections: Arc::clone(&self.connections),
        }
    }

    /// Writes down what extensions print, until the last of them has ended.
    pub(crate) fn log(&mut self, output: OwnedFd, mut journal: Journal) -> io::Result<()> {
        let mut output = Output::new(output)?;
        self.log = Some(tokio::spawn(async move {
            while output.is_open() {
                output.readable().await;
                output.read(&mut journal);
                journal.flush().await;
            }
            output.drain(&mut journal);
            journal.flush().await;
        }));
        Ok(())
    }

    /// Has the interpreter started.
    pub(crate) async fn run(&self) -> io::Result<()> {
        self.socket.send(&Order::Run.encode()).await.map(drop)
    }

    /// Lets the runtime come to its end, asked by SIGTERM.
    pub(crate) async fn terminate(&self, runtime: oneshot::Receiver<ExitStatus>) {
        if self.socket.send(&Order::Terminate.encode()).await.is_ok() {
            // A runtime that does not listen is killed with the rest.
            let _ = timeout(OF_RUNTIME, runtime).await;
        }
    }

    /// Lets the extensions come to their end, asked by SHUTDOWN.
    pub(crate) async fn shut_down(&mut self, api: &RuntimeApi, reason: ShutdownReason, end: Instant) {
        let left = end.saturating_duration_since(Instant::now());
        api.shut_down(reason, unix_millis(SystemTime::now() + left));
        let _ = timeout_at(end, api.all_exited()).await;
        if let Some(log) = self.log.take() {
            let _ = timeout_at(end.max(Instant::now() + LAST_WORDS), log).await;
        }
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Takes notices until the attendant has gone, or talks nonsense.
async fn hear(
    socket: Arc<UnixDatagram>,
    api: RuntimeApi,
    ended: oneshot::Sender<ExitStatus>,
    connections: Connections,
) {
    let mut ended = Some(ended);
    while let Ok((record, descriptors)) = socket
        .async_io(Interest::READABLE, || take::<{ LARGEST_NOTICE + 1 }>(&socket))
        .await
    {
        let text = |name: Vec<u8>| String::from_utf8_lossy(&name).into_owned();
        match Notice::decode(&record) {
            Some(Notice::Launched(name, errno)) => {
                let error = match errno {
                    0 => None,
                    13 => Some("PermissionDenied"),
                    _ => Some("UnknownError"),
                };
                api.change(|machine| machine.launched(&text(name), error));
            }
            Some(Notice::AllLaunched) => api.change(|machine| machine.all_launched()),
            Some(Notice::Exited(name, status)) => {
                let status = ExitStatus::of_wait(status);
                api.change(|machine| machine.exited(&text(name), &status.to_string()));
            }
            Some(Notice::RuntimeExited(status)) => {
                if let Some(ended) = ended.take() {
                    let _ = ended.send(ExitStatus::of_wait(status));
                }
            }
            Some(Notice::Connected(errno)) => {
                let mut waiting = connections.lock().unwrap_or_else(PoisonError::into_inner);
                let failed = || io::Error::from_raw_os_error(errno);
                if let Some(waiting) = waiting.pop_front() {
                    let _ = waiting.send(descriptors.into_iter().next().ok_or_else(failed));
                }
            }
            None => return,
        }
    }
}

/// Takes the attendant's socket, and the pipe that extensions print to, off the control socket, if they are there yet.
pub(crate) fn receive(control: impl AsFd) -> io::Result<(OwnedFd, OwnedFd)> {
    let (_, descriptors) = take::<1>(control)?;
    let [socket, output] = descriptors
        .try_into()
        .map_err(|_| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    Ok((socket, output))
}

/// Takes up to `LARGEST` bytes and the descriptors that come with them.
fn take<const LARGEST: usize>(socket: impl AsFd) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut record = [0; LARGEST];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let received = rustix::net::recvmsg(socket, &mut [IoSliceMut::new(&mut record)], &mut ancillary, flags)?;
    let descriptors = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let descriptors = descriptors.flatten().collect();
    Ok((record[..received.bytes].to_vec(), descriptors))
}

/// What an extension's state is called where it failed.
pub(crate) fn error_type(state: ExtensionState) -> &'static str {
    match state {
        ExtensionState::InitError => "Extension.InitError",
        ExtensionState::LaunchError => "Extension.LaunchError",
        ExtensionState::ExitError => "Extension.ExitError",
        _ => "Extension.Crash",
    }
}
