//! A stand-in for the sandbox: environments are tasks.

use std::collections::HashMap;
use std::io::{PipeWriter, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use hearth_runtime::frames::FrameBuffer;
use hearth_sandbox::{
    BootRequest, Booted, BoxFuture, ClaimRequest, Exit, ExitStatus, FolderIndex, Freezer, Listener,
    MemoryGauge, Reach, Sandbox, SandboxError, Start,
};
use hearth_types::inside::Addresses;
use hearth_types::{EnvironmentId, Places};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::runtime::Runtime;

/// Boots environments whose runtime does what the event says: see [`Runtime::answer`].
#[derive(Default)]
pub(crate) struct FakeSandbox {
    next: AtomicU64,
    pub(crate) boots: AtomicUsize,
    pub(crate) claims: AtomicUsize,
    /// How many claims are granted; all, if it is not set.
    pub(crate) grants: OnceLock<usize>,
    /// How long a boot takes, in milliseconds.
    pub(crate) boot_ms: AtomicU64,
    /// Bytes of streamed responses that environments have sent.
    pub(crate) streamed: Arc<AtomicU64>,
    /// Whether environments have a network, over which they find the interfaces of extensions.
    pub(crate) has_network: AtomicBool,
    /// Whether environments end when they are asked to.
    pub(crate) is_deaf: AtomicBool,
    /// Whether folders that were shown are gone.
    pub(crate) folders_are_gone: AtomicBool,
    /// What environments were given that others had prepared.
    pub(crate) given: Arc<Mutex<Vec<Bytes>>>,
    /// What extensions that subscribe hear.
    pub(crate) heard: Arc<Mutex<String>>,
    live: Arc<Mutex<HashMap<u64, Live>>>,
}

struct Live {
    frozen: Arc<AtomicBool>,
    task: AbortHandle,
    log: PipeWriter,
    exit: Option<oneshot::Sender<Exit>>,
}

impl FakeSandbox {
    /// Environments that have not ended.
    pub(crate) fn live(&self) -> usize {
        self.live.lock().unwrap().len()
    }

    /// Those of them that are frozen.
    pub(crate) fn frozen(&self) -> usize {
        let live = self.live.lock().unwrap();
        live.values()
            .filter(|environment| environment.frozen.load(Ordering::SeqCst))
            .count()
    }
}

fn end(live: &Mutex<HashMap<u64, Live>>, id: u64, status: ExitStatus, out_of_memory: bool) {
    let Some(mut environment) = live.lock().unwrap().remove(&id) else {
        return;
    };
    environment.task.abort();
    let exit = Exit {
        status,
        out_of_memory,
        peak_memory_bytes: 50 << 20,
        cpu: Duration::ZERO,
    };
    let _ = environment
        .exit
        .take()
        .expect("an environment ends once")
        .send(exit);
}

/// The sockets of an environment that is a process of the host.
fn listener() -> Listener {
    let [tcp, api] = [(); 2].map(|()| {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    });
    let address = |socket: &TcpListener| match socket.local_addr().unwrap() {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(address) => panic!("{address}"),
    };
    Listener {
        addresses: Addresses {
            runtime_api: address(&tcp),
            api: address(&api),
        },
        tcp: tcp.into(),
        api: api.into(),
        dns: None,
        reach: Reach::Host,
    }
}

impl Sandbox for FakeSandbox {
    fn settle(&self, folder: FolderIndex) -> BoxFuture<'_, Result<(), SandboxError>> {
        Box::pin(async move {
            match self.folders_are_gone.load(Ordering::SeqCst) {
                true => Err(SandboxError::NotShown(format!("Folder {} is gone.", folder.0))),
                false => Ok(()),
            }
        })
    }

    fn boot(&self, request: BootRequest) -> BoxFuture<'_, Result<Booted, SandboxError>> {
        self.boots.fetch_add(1, Ordering::SeqCst);
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        let (server, environment) = StdStream::pair().unwrap();
        let (output, log) = std::io::pipe().unwrap();
        environment.set_nonblocking(true).unwrap();
        let also = log.try_clone().unwrap();
        let listener = self.has_network.load(Ordering::SeqCst).then(listener);
        let live = Arc::clone(&self.live);
        let runtime = Runtime {
            stream: UnixStream::from_std(environment).unwrap(),
            buffer: FrameBuffer::new(),
            log,
            invocations: 0,
            streamed: Arc::clone(&self.streamed),
            heard: Arc::clone(&self.heard),
            deferred: request.start == Start::Deferred,
            given: Arc::clone(&self.given),
        };
        let frozen = Arc::new(AtomicBool::new(false));
        let (exit, ended) = oneshot::channel();
        let task = tokio::spawn(async move {
            let (status, out_of_memory) = runtime.live().await;
            end(&live, id, status, out_of_memory);
        });
        self.live.lock().unwrap().insert(
            id,
            Live {
                frozen: Arc::clone(&frozen),
                task: task.abort_handle(),
                log: also,
                exit: Some(exit),
            },
        );
        let takes = Duration::from_millis(self.boot_ms.load(Ordering::SeqCst));
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            Ok(Booted {
                id: EnvironmentId(id),
                control: OwnedFd::from(server),
                output: OwnedFd::from(output),
                memory: MemoryGauge::fixed(30 << 20),
                freezer: Some(Freezer::noting(frozen)),
                places: Places::WALLED,
                listener,
                exit: ended,
            })
        })
    }

    fn claim(&self, _: EnvironmentId, _: ClaimRequest) -> BoxFuture<'_, Result<(), SandboxError>> {
        let before = self.claims.fetch_add(1, Ordering::SeqCst);
        let granted = self.grants.get().is_none_or(|grants| before < *grants);
        Box::pin(async move {
            match granted {
                true => Ok(()),
                false => Err(SandboxError::Full),
            }
        })
    }

    fn socket(&self, id: EnvironmentId) -> BoxFuture<'_, Result<OwnedFd, SandboxError>> {
        let lives = self.live.lock().unwrap().contains_key(&id.0);
        Box::pin(async move {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap();
            lives.then_some(socket).ok_or(SandboxError::NoSuchEnvironment(id))
        })
    }

    fn terminate(&self, id: EnvironmentId) {
        if let Some(environment) = self.live.lock().unwrap().get_mut(&id.0) {
            assert!(
                !environment.frozen.load(Ordering::SeqCst),
                "it would not hear of it"
            );
            environment.log.write_all(b"asked to end\n").unwrap();
        }
        if self.is_deaf.load(Ordering::SeqCst) {
            return;
        }
        end(&self.live, id.0, ExitStatus::Signal(15), false);
    }

    fn kill(&self, id: EnvironmentId) {
        end(&self.live, id.0, ExitStatus::Signal(9), false);
    }
}
