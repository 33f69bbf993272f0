//! The end of an environment with extensions, which is not sudden.

use hearth_runtime::api::{RuntimeApi, ShutdownReason};
use hearth_sandbox::ExitStatus;
use hearth_types::EnvironmentId;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::attendant::{self, Attendant};
use crate::environment::Network;
use crate::journal::Journal;
use crate::output::Output;
use crate::sandbox_handle::{Dying, SandboxHandle};

/// An environment that comes to its end: first its runtime, then its extensions, then all that is left.
pub(crate) struct Shutdown {
    pub(crate) attendant: Attendant,
    pub(crate) api: RuntimeApi,
    pub(crate) reason: ShutdownReason,
    /// The runtime's end, if it is ahead.
    pub(crate) runtime: Option<oneshot::Receiver<ExitStatus>>,
    pub(crate) log: Option<LastWords>,
    pub(crate) id: EnvironmentId,
    pub(crate) sandbox: SandboxHandle,
    /// Counts it as long as it takes.
    pub(crate) dying: Dying,
    /// Extensions send what they have left.
    pub(crate) network: Network,
}

/// Where what the runtime prints goes while it ends.
pub(crate) struct LastWords {
    pub(crate) journal: Journal,
    pub(crate) output: Output,
}

impl Shutdown {
    pub(crate) async fn run(mut self) {
        if let Some(feed) = self.log.as_ref().and_then(|log| log.journal.feed()) {
            feed.flush().await;
        }
        let end = Instant::now() + attendant::SHUTDOWN;
        if let Some(runtime) = self.runtime {
            during(self.attendant.terminate(runtime), &mut self.log).await;
        }
        let told = self.attendant.shut_down(&self.api, self.reason, end);
        during(told, &mut self.log).await;
        drop(self.network);
        self.sandbox.0.kill(self.id);
        drop(self.dying);
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
