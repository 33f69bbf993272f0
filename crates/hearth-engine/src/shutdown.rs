//! The end of an environment with extensions, which is not sudden.

use std::os::fd::OwnedFd;
use std::time::Duration;

use hearth_runtime::api::{RuntimeApi, ShutdownReason};
use hearth_sandbox::{Exit, ExitStatus};
use hearth_types::EnvironmentId;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::attendant::{self, Attendant};
use crate::environment::Network;
use crate::journal::Journal;
use crate::output::Output;
use crate::sandbox_handle::{Dying, SandboxHandle};

/// How long the runtime of an environment with internal extensions alone may take to end, as on AWS.
const ALONE: Duration = Duration::from_millis(500);

/// An environment that comes to its end: first its runtime, then its extensions, then all that is left.
pub(crate) struct Shutdown {
    pub(crate) leaving: Leaving,
    pub(crate) log: Option<LastWords>,
    /// The environment's socket: a bootstrap whose socket is closed ends before it has heard of anything.
    pub(crate) control: Option<OwnedFd>,
    pub(crate) id: EnvironmentId,
    pub(crate) sandbox: SandboxHandle,
    /// Counts it as long as it takes.
    pub(crate) dying: Dying,
    /// Extensions send what they have left.
    pub(crate) network: Network,
}

/// Who is given time to end.
pub(crate) enum Leaving {
    /// The runtime, and extensions beside it.
    Attended {
        attendant: Attendant,
        api: RuntimeApi,
        reason: ShutdownReason,
        /// The runtime's end, if it is ahead.
        runtime: Option<oneshot::Receiver<ExitStatus>>,
    },
    /// The runtime, of which all extensions are a part. With the environment's end.
    Alone(oneshot::Receiver<Exit>),
}

/// Where what the runtime prints goes while it ends.
pub(crate) struct LastWords {
    pub(crate) journal: Journal,
    pub(crate) output: Output,
}

impl Shutdown {
    pub(crate) async fn run(mut self) {
        if let Some(log) = &self.log {
            log.journal.feed().flush().await;
        }
        let log = &mut self.log;
        match self.leaving {
            Leaving::Attended {
                mut attendant,
                api,
                reason,
                runtime,
            } => {
                let end = Instant::now() + attendant::SHUTDOWN;
                if let Some(runtime) = runtime {
                    during(attendant.terminate(runtime), log).await;
                }
                during(attendant.shut_down(&api, reason, end), log).await;
            }
            Leaving::Alone(exit) => {
                self.sandbox.0.terminate(self.id);
                let ended = async {
                    // A runtime that does not listen is killed.
                    let _ = timeout(ALONE, exit).await;
                };
                during(ended, log).await;
            }
        }
        drop(self.network);
        self.sandbox.0.kill(self.id);
        drop((self.control, self.dying));
    }
}

/// Works, and writes down what the runtime prints meanwhile: before what comes after.
async fn during(work: impl Future<Output = ()>, log: &mut Option<LastWords>) {
    match log {
        Some(LastWords { journal, output }) => {
            output.read_during(work, journal).await;
            journal.flush().await;
        }
        None => work.await,
    }
}
