//! An execution environment, seen from the server.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hearth_network::{Gateway, Outside, Services};
use hearth_runtime::api::RuntimeApi;
use hearth_sandbox::{Booted, Exit, ExitStatus, Listener, MemoryGauge, Sandbox};
use hearth_types::{EnvironmentId, NetworkPolicy};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::control::Control;
use crate::journal::Journal;
use crate::output::Output;

/// How long the warden may take to tell how a process ended whose socket is closed.
const EXIT_NOTICE: Duration = Duration::from_secs(5);
const MIB: u64 = 1024 * 1024;

/// A sandboxed interpreter. Dropping it ends it and everything in its sandbox.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) id: EnvironmentId,
    pub(crate) control: Control,
    pub(crate) output: Output,
    memory: MemoryGauge,
    pub(crate) ending: Ending,
    /// The interfaces of a runtime that talks to them.
    pub(crate) api: Option<RuntimeApi>,
    sandbox: SandboxHandle,
    network: Network,
}

/// What becomes of the environment's connections.
#[derive(Debug)]
enum Network {
    /// They wait until it has an identity.
    Waiting(Listener),
    /// They are served.
    Open { _gateway: Gateway },
    /// The environment has no network of its own, or lost it.
    None,
}

/// How an environment ended that nobody tells of, since the warden has ended too.
const LOST: Exit = Exit {
    status: ExitStatus::Signal(9),
    out_of_memory: false,
    peak_memory_bytes: 0,
    cpu: Duration::ZERO,
};

/// The end of an environment's process.
#[derive(Debug)]
pub(crate) struct Ending(oneshot::Receiver<Exit>);

impl Ending {
    /// Waits for it. Cancelling loses nothing; when it has come, it comes once.
    pub(crate) async fn wait(&mut self) -> Exit {
        (&mut self.0).await.unwrap_or(LOST)
    }
}

/// The sandbox, in a form that prints.
#[derive(Clone)]
pub(crate) struct SandboxHandle(pub(crate) Arc<dyn Sandbox>);

impl std::fmt::Debug for SandboxHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sandbox")
    }
}

impl Process {
    pub(crate) fn new(booted: Booted, sandbox: SandboxHandle) -> io::Result<Self> {
        Ok(Self {
            id: booted.id,
            control: Control::new(booted.control)?,
            output: Output::new(booted.output)?,
            memory: booted.memory,
            ending: Ending(booted.exit),
            api: None,
            sandbox,
            network: booted.listener.map_or(Network::None, Network::Waiting),
        })
    }

    /// Whether connections that it makes reach the server.
    pub(crate) fn has_network(&self) -> bool {
        !matches!(self.network, Network::None)
    }

    /// Begins to serve its connections, those that wait already too.
    pub(crate) fn open_network(
        &mut self,
        services: Services,
        policy: NetworkPolicy,
        outside: Outside,
    ) -> io::Result<()> {
        if let Network::Waiting(listener) = std::mem::replace(&mut self.network, Network::None) {
            let gateway = Gateway::open(listener, services, policy, outside)?;
            self.network = Network::Open { _gateway: gateway };
        }
        Ok(())
    }

    /// Waits for the end of a process whose control socket is closed. One that closed its socket and lives
    /// on is killed: nobody can talk to it any more.
    pub(crate) async fn ended(&mut self) -> Exit {
        for patience in [EXIT_NOTICE / 10, EXIT_NOTICE] {
            match timeout(patience, self.ending.wait()).await {
                Ok(exit) => return exit,
                Err(_) => self.sandbox.0.kill(self.id),
            }
        }
        LOST
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.ending.0.is_empty() && !self.ending.0.is_terminated()
    }

    /// Peak memory so far, in MB, rounded up.
    pub(crate) fn peak_memory_mb(&self) -> u32 {
        u32::try_from(self.memory.peak_bytes().div_ceil(MIB)).unwrap_or(u32::MAX)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.sandbox.0.kill(self.id);
    }
}

/// A process that has become one function's, its init done.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) process: Process,
    pub(crate) journal: Journal,
    born: Instant,
    requests: u64,
}

impl Environment {
    pub(crate) fn new(process: Process, journal: Journal) -> Self {
        Self {
            process,
            journal,
            born: Instant::now(),
            requests: 0,
        }
    }

    /// The number of the next invocation, counted from 1.
    pub(crate) fn next_request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.process.is_alive()
    }

    pub(crate) fn age(&self) -> Duration {
        self.born.elapsed()
    }
}
