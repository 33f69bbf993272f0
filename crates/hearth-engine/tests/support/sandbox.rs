//! A stand-in for the sandbox: environments are tasks.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use hearth_runtime::frames::FrameBuffer;
use hearth_sandbox::{
    BootRequest, Booted, BoxFuture, ClaimRequest, Exit, ExitStatus, MemoryGauge, Sandbox, SandboxError, Start,
};
use hearth_types::{EnvironmentId, Places};
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
    live: Arc<Mutex<HashMap<u64, Live>>>,
}

struct Live {
    task: AbortHandle,
    exit: Option<oneshot::Sender<Exit>>,
}

impl FakeSandbox {
    /// Environments that have not ended.
    pub(crate) fn live(&self) -> usize {
        self.live.lock().unwrap().len()
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

impl Sandbox for FakeSandbox {
    fn boot(&self, request: BootRequest) -> BoxFuture<'_, Result<Booted, SandboxError>> {
        self.boots.fetch_add(1, Ordering::SeqCst);
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        let (server, environment) = StdStream::pair().unwrap();
        let (output, log) = std::io::pipe().unwrap();
        environment.set_nonblocking(true).unwrap();
        let live = Arc::clone(&self.live);
        let runtime = Runtime {
            stream: UnixStream::from_std(environment).unwrap(),
            buffer: FrameBuffer::new(),
            log,
            invocations: 0,
            streamed: Arc::clone(&self.streamed),
            deferred: request.start == Start::Deferred,
        };
        let (exit, ended) = oneshot::channel();
        let task = tokio::spawn(async move {
            let (status, out_of_memory) = runtime.live().await;
            end(&live, id, status, out_of_memory);
        });
        self.live.lock().unwrap().insert(
            id,
            Live {
                task: task.abort_handle(),
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
                places: Places::WALLED,
                listener: None,
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

    fn kill(&self, id: EnvironmentId) {
        end(&self.live, id.0, ExitStatus::Signal(9), false);
    }
}
