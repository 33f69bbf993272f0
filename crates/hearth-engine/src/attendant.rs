//! The server's end of an environment's attendant, which starts extensions and tells how they end.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hearth_runtime::api::{ExtensionState, RuntimeApi, ShutdownReason};
use hearth_sandbox::ExitStatus;
use hearth_sandbox::attendant::{LARGEST_NOTICE, Notice, Order};
use hearth_types::time::unix_millis;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use tokio::net::UnixDatagram;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};

/// How long an environment with external extensions may take to end, as on AWS.
const SHUTDOWN: Duration = Duration::from_secs(2);
/// How much of that is the runtime's own.
const OF_RUNTIME: Duration = Duration::from_millis(600);
/// Most extensions of an environment, as on AWS.
const MOST: usize = 10;

/// An attendant. Dropping it lets it end with its environment.
#[derive(Debug)]
pub(crate) struct Attendant {
    /// Whole packets like a datagram socket's, but connected and in order.
    socket: Arc<UnixDatagram>,
    reader: AbortHandle,
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
        api.change(|machine| machine.expect_extensions());
        let reader = tokio::spawn(hear(Arc::clone(&socket), api, ended)).abort_handle();
        Ok((Self { socket, reader }, runtime))
    }

    /// Has the interpreter started.
    pub(crate) async fn run(&self) -> io::Result<()> {
        self.socket.send(&Order::Run.encode()).await.map(drop)
    }

    /// Lets runtime and extensions come to their end: SIGTERM for the one, then SHUTDOWN for the others.
    pub(crate) async fn shut_down(
        &self,
        api: &RuntimeApi,
        reason: ShutdownReason,
        runtime: Option<oneshot::Receiver<ExitStatus>>,
    ) {
        let end = Instant::now() + SHUTDOWN;
        if let Some(runtime) = runtime
            && self.socket.send(&Order::Terminate.encode()).await.is_ok()
        {
            // A runtime that does not listen is killed with the rest.
            let _ = timeout(OF_RUNTIME, runtime).await;
        }
        let left = end.saturating_duration_since(Instant::now());
        api.shut_down(reason, unix_millis(SystemTime::now() + left));
        let _ = timeout_at(end, api.all_exited()).await;
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Takes notices until the attendant has gone, or talks nonsense.
async fn hear(socket: Arc<UnixDatagram>, api: RuntimeApi, ended: oneshot::Sender<ExitStatus>) {
    let mut ended = Some(ended);
    let mut record = [0; LARGEST_NOTICE + 1];
    while let Ok(length) = socket.recv(&mut record).await {
        let text = |name: Vec<u8>| String::from_utf8_lossy(&name).into_owned();
        match Notice::decode(&record[..length]) {
            Some(Notice::Launched(name, errno)) => api.change(|machine| {
                let known = machine.extensions();
                let many = known.len() >= MOST;
                let error = match errno {
                    _ if many => Some("TooManyExtensions"),
                    0 => None,
                    13 => Some("PermissionDenied"),
                    _ => Some("UnknownError"),
                };
                // A bounded list, whatever comes.
                if known.len() <= MOST {
                    machine.launched(&text(name), error);
                }
            }),
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
            None => return,
        }
    }
}

/// Takes the attendant's socket off the control socket, if it is there yet.
pub(crate) fn receive(control: impl AsFd) -> io::Result<OwnedFd> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    rustix::net::recvmsg(control, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, flags)?;
    let descriptors = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let mut descriptors = descriptors.flatten();
    descriptors
        .next()
        .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
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
