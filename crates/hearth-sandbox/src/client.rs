//! The server's side of the socket to the warden.

use std::collections::HashMap;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hearth_types::inside::Addresses;
use hearth_types::{CodeHash, EnvironmentId, Places};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags};
use tokio::io::Interest;
use tokio::net::UnixDatagram;
use tokio::sync::{oneshot, watch};

use crate::protocol::{ANSWER_SIZE, Answer, BOOTED_DESCRIPTORS, Refusal, Request};
use crate::{
    BootRequest, Booted, BoxFuture, ClaimRequest, Code, Exit, FolderClient, FolderError, FolderIndex,
    Freezer, Listener, MemoryGauge, Reach, RuntimeIndex, Sandbox, SandboxError,
};

/// The [`Sandbox`] behind the warden's socket. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WardenClient(Arc<Client>, Option<FolderClient>);

#[derive(Debug)]
struct Client {
    /// Whole packets like a datagram socket's, but connected and in order.
    socket: UnixDatagram,
    /// Where environments have their files, if they are files of the host's.
    scratch: Option<PathBuf>,
    state: Mutex<State>,
    alive: watch::Sender<bool>,
}

/// Who waits for what. `None` when the warden is gone.
#[derive(Debug, Default)]
struct State {
    gone: bool,
    last_tag: u32,
    boots: HashMap<u32, oneshot::Sender<Result<Booted, Refusal>>>,
    claims: HashMap<u32, oneshot::Sender<Result<(), Refusal>>>,
    sockets: HashMap<u32, oneshot::Sender<Result<OwnedFd, Refusal>>>,
    exits: HashMap<EnvironmentId, oneshot::Sender<Exit>>,
}

impl WardenClient {
    /// Takes the socket the launcher handed over, and [`crate::launcher::Launch::scratch`]. Call it within a tokio
    /// runtime.
    pub fn new(socket: OwnedFd, scratch: Option<PathBuf>) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        let client = Arc::new(Client {
            socket: UnixDatagram::from_std(socket.into())?,
            scratch,
            state: Mutex::default(),
            alive: watch::Sender::new(true),
        });
        tokio::spawn(receive_all(Arc::clone(&client)));
        Ok(Self(client, None))
    }

    /// The same, which knows when folders have changed.
    pub fn with_folders(self, folders: FolderClient) -> Self {
        Self(self.0, Some(folders))
    }

    /// Resolves when the warden has ended, and with it every environment.
    pub async fn died(&self) {
        let mut alive = self.0.alive.subscribe();
        // The sender is in `self`, so the wait ends only one way.
        let _ = alive.wait_for(|alive| !alive).await;
    }
}

impl Sandbox for WardenClient {
    fn boot(&self, request: BootRequest) -> BoxFuture<'_, Result<Booted, SandboxError>> {
        Box::pin(async move {
            let BootRequest {
                runtime,
                memory_mb,
                start,
            } = request;
            let (tag, answer) = self.0.expect(|state| &mut state.boots)?;
            self.0
                .send(&Request::Boot {
                    tag,
                    runtime,
                    start,
                    memory_mb,
                })
                .await?;
            let answer = answer.await.map_err(|_| SandboxError::WardenDied)?;
            answer.map_err(|refusal| {
                Subject {
                    runtime,
                    ..Subject::default()
                }
                .error(refusal)
            })
        })
    }

    fn claim(&self, id: EnvironmentId, request: ClaimRequest) -> BoxFuture<'_, Result<(), SandboxError>> {
        Box::pin(async move {
            let ClaimRequest {
                code,
                layers,
                memory_mb,
                ephemeral_mb,
            } = request;
            let (tag, answer) = self.0.expect(|state| &mut state.claims)?;
            self.0
                .send(&Request::Claim {
                    tag,
                    id,
                    code,
                    layers,
                    memory_mb,
                    ephemeral_mb,
                })
                .await?;
            let answer = answer.await.map_err(|_| SandboxError::WardenDied)?;
            answer.map_err(|refusal| {
                Subject {
                    id,
                    code,
                    ..Subject::default()
                }
                .error(refusal)
            })
        })
    }

    fn socket(&self, id: EnvironmentId) -> BoxFuture<'_, Result<OwnedFd, SandboxError>> {
        Box::pin(async move {
            let (tag, answer) = self.0.expect(|state| &mut state.sockets)?;
            self.0.send(&Request::Socket { tag, id }).await?;
            let answer = answer.await.map_err(|_| SandboxError::WardenDied)?;
            answer.map_err(|refusal| {
                Subject {
                    id,
                    ..Subject::default()
                }
                .error(refusal)
            })
        })
    }

    fn settle(&self, folder: FolderIndex) -> BoxFuture<'_, Result<(), SandboxError>> {
        Box::pin(async move {
            let Some(folders) = &self.1 else { return Ok(()) };
            match folders.settle(folder).await {
                Err(FolderError::Refused(why)) => Err(SandboxError::NotShown(why)),
                // Without a launcher this server is about to end.
                Ok(()) | Err(FolderError::LauncherDied) => Ok(()),
            }
        })
    }

    fn terminate(&self, id: EnvironmentId) {
        self.0.order(Request::Terminate { id });
    }

    fn kill(&self, id: EnvironmentId) {
        self.0.order(Request::Kill { id });
    }
}

impl Client {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // No code panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gets ready for an answer.
    fn expect<T>(
        &self,
        waiting: impl FnOnce(&mut State) -> &mut HashMap<u32, oneshot::Sender<T>>,
    ) -> Result<(u32, oneshot::Receiver<T>), SandboxError> {
        let mut state = self.state();
        if state.gone {
            return Err(SandboxError::WardenDied);
        }
        state.last_tag = state.last_tag.wrapping_add(1);
        let tag = state.last_tag;
        let (sender, receiver) = oneshot::channel();
        waiting(&mut state).insert(tag, sender);
        Ok((tag, receiver))
    }

    async fn send(&self, request: &Request) -> Result<(), SandboxError> {
        let record = request.encode();
        let sent = self
            .socket
            .async_io(Interest::WRITABLE, || send(&self.socket, &record));
        sent.await.map_err(|_| SandboxError::WardenDied)
    }

    /// Sends a request that has no answer.
    fn order(self: &Arc<Self>, request: Request) {
        let sent = self
            .socket
            .try_io(Interest::WRITABLE, || send(&self.socket, &request.encode()));
        if sent.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            let client = Arc::clone(self);
            // A warden that is gone has killed everything.
            tokio::spawn(async move { client.send(&request).await.ok() });
        }
    }

    fn settle(self: &Arc<Self>, answer: Answer, descriptors: Vec<OwnedFd>) {
        let mut state = self.state();
        match answer {
            Answer::Booted {
                tag,
                id,
                reach,
                freezes,
            } => {
                let (sender, exit) = oneshot::channel();
                let places = places(self.scratch.as_deref(), id);
                state.exits.insert(id, sender);
                let waiting = state.boots.remove(&tag);
                drop(state);
                // Descriptors are missing when this process has too many.
                let result =
                    booted(id, places, descriptors, reach, freezes, exit).ok_or(Refusal::Setup(libc::EMFILE));
                let usable = result.is_ok();
                let taken = waiting.is_some_and(|waiting| waiting.send(result).is_ok());
                if !(usable && taken) {
                    self.order(Request::Kill { id });
                }
            }
            Answer::Claimed { tag } => {
                state.claims.remove(&tag).map(|waiting| waiting.send(Ok(())));
            }
            Answer::Socket { tag } => {
                // It is missing when this process has too many.
                let socket = descriptors.into_iter().next().ok_or(Refusal::Setup(libc::EMFILE));
                state.sockets.remove(&tag).map(|waiting| waiting.send(socket));
            }
            Answer::Refused { tag, refusal } => {
                state
                    .sockets
                    .remove(&tag)
                    .map(|waiting| waiting.send(Err(refusal)));
                state.boots.remove(&tag).map(|waiting| waiting.send(Err(refusal)));
                state
                    .claims
                    .remove(&tag)
                    .map(|waiting| waiting.send(Err(refusal)));
            }
            Answer::Exited { id, exit } => {
                state.exits.remove(&id).map(|waiting| waiting.send(exit));
            }
        }
    }
}

/// What a refused request was about.
struct Subject {
    runtime: RuntimeIndex,
    id: EnvironmentId,
    code: Code,
}

impl Default for Subject {
    fn default() -> Self {
        Self {
            runtime: RuntimeIndex(0),
            id: EnvironmentId(0),
            code: CodeHash::from_bytes([0; 32]).into(),
        }
    }
}

impl Subject {
    fn error(&self, refusal: Refusal) -> SandboxError {
        match refusal {
            Refusal::NoSuchRuntime => SandboxError::NoSuchRuntime(self.runtime),
            Refusal::NoSuchCode => SandboxError::NoSuchCode(self.code),
            Refusal::NoSuchEnvironment => SandboxError::NoSuchEnvironment(self.id),
            Refusal::AlreadyClaimed => SandboxError::AlreadyClaimed(self.id),
            Refusal::Full => SandboxError::Full,
            Refusal::Setup(errno) => SandboxError::Setup(io::Error::from_raw_os_error(errno)),
        }
    }
}

/// The place of what freezes an environment among its descriptors.
const FREEZER: usize = 4;

fn booted(
    id: EnvironmentId,
    places: Places,
    mut descriptors: Vec<OwnedFd>,
    reach: Reach,
    freezes: bool,
    exit: oneshot::Receiver<Exit>,
) -> Option<Booted> {
    let dns = match reach {
        Reach::Host => None,
        Reach::Everything | Reach::Hearth => Some(descriptors.pop()?),
    };
    let freezer = (freezes && descriptors.len() > FREEZER).then(|| Freezer::new(descriptors.remove(FREEZER)));
    let [control, output, group, process, tcp, api] = descriptors.try_into().ok()?;
    let addresses = match reach {
        Reach::Host => addresses(&tcp, &api)?,
        Reach::Everything | Reach::Hearth => Addresses::WALLED,
    };
    Some(Booted {
        id,
        control,
        output,
        memory: MemoryGauge::new(group, process),
        freezer,
        places,
        listener: Some(Listener {
            tcp,
            api,
            dns,
            reach,
            addresses,
        }),
        exit,
    })
}

/// Where sockets listen whose ports the kernel has chosen.
fn addresses(runtime_api: &OwnedFd, api: &OwnedFd) -> Option<Addresses> {
    let of = |socket: &OwnedFd| match SocketAddr::try_from(rustix::net::getsockname(socket).ok()?) {
        Ok(SocketAddr::V4(address)) => Some(address),
        _ => None,
    };
    Some(Addresses {
        runtime_api: of(runtime_api)?,
        api: of(api)?,
    })
}

/// Where an environment has its files.
pub(crate) fn places(scratch: Option<&Path>, id: EnvironmentId) -> Places {
    match scratch {
        // Its text was checked when it was made.
        Some(scratch) => Places::below(&format!("{}/e{}", scratch.display(), id.0)),
        None => Places::WALLED,
    }
}

/// Hands out answers until the warden is gone, and then tells everybody who waits.
async fn receive_all(client: Arc<Client>) {
    while let Ok((answer, descriptors)) = client
        .socket
        .async_io(Interest::READABLE, || receive(&client.socket))
        .await
    {
        client.settle(answer, descriptors);
    }
    // Dropping the senders wakes those who wait.
    *client.state() = State {
        gone: true,
        ..State::default()
    };
    client.alive.send_replace(false);
}

fn send(socket: impl AsFd, record: &[u8]) -> io::Result<()> {
    rustix::net::send(socket, record, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?;
    Ok(())
}

fn receive(socket: impl AsFd) -> io::Result<(Answer, Vec<OwnedFd>)> {
    let mut record = [0; ANSWER_SIZE];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BOOTED_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(&mut record)];
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let received = loop {
        match rustix::net::recvmsg(socket.as_fd(), &mut parts, &mut ancillary, flags) {
            Err(Errno::INTR) => {}
            other => break other?,
        }
    };
    let descriptors = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let descriptors = descriptors.flatten().collect();
    let answer = Answer::decode(&record[..received.bytes]).ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok((answer, descriptors))
}
