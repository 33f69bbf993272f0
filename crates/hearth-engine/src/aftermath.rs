//! What follows a runtime's answer: others are still at work on the invocation, and the log has its last lines.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hearth_runtime::api::RuntimeApi;
use hearth_types::RequestId;
use tokio::time::{Instant, timeout};

use crate::admission::Permit;
use crate::conversation;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::journal::Journal;
use crate::record::Count;
use crate::report::{PlatformEvent, Report};
use crate::{Function, Outcome};

/// How long an answer waits for an environment that is all but ready for the next invocation, so that a caller who calls
/// again at once does not find it busy.
const GRACE: Duration = Duration::from_millis(5);

/// An invocation whose runtime has answered, or failed to. It takes its environment, and its place among those that run,
/// until runtime and extensions wait for the next one.
pub(crate) struct Aftermath {
    pub(crate) function: Arc<Function>,
    pub(crate) permit: Permit,
    pub(crate) environment: Environment,
    /// Whether the environment can take another invocation.
    pub(crate) reusable: bool,
    pub(crate) request_id: RequestId,
    pub(crate) deadline: Instant,
    /// As it stands with the answer.
    pub(crate) report: Report,
    pub(crate) count: Count,
    /// Whether the log says that the runtime is done.
    pub(crate) runtime_done: bool,
}

impl Aftermath {
    /// Goes on to the end of the invocation. Gives the outcome back then if it has the end of the log, otherwise soon:
    /// as on AWS, nobody waits for extensions.
    pub(crate) async fn run(mut self, mut outcome: Outcome, tail: bool) -> Outcome {
        let settled = match tail {
            true => Some(self.settle().await),
            false => timeout(GRACE, self.settle()).await.ok(),
        };
        match settled {
            Some(after) => outcome.log_tail = self.end(after).await,
            None => {
                self.environment.journal.flush().await;
                tokio::spawn(async move {
                    let after = self.settle().await;
                    self.end(after).await;
                });
            }
        }
        outcome
    }

    /// Waits until all are done. Cancelling loses nothing.
    async fn settle(&mut self) -> Result<(), Failure> {
        let Some(api) = self.others() else { return Ok(()) };
        if !self.runtime_done {
            conversation::runtime_done(&mut self.environment, &api, self.deadline).await?;
            self.tell_runtime_done();
        }
        conversation::settled(&mut self.environment, &api, self.deadline).await
    }

    /// The interfaces of those who may still be at work.
    fn others(&self) -> Option<RuntimeApi> {
        self.reusable.then(|| self.environment.listeners()).flatten()
    }

    fn tell_runtime_done(&mut self) {
        if !std::mem::replace(&mut self.runtime_done, true) {
            let (request_id, report) = (self.request_id, &self.report);
            self.environment
                .journal
                .platform(PlatformEvent::RuntimeDone { request_id, report });
        }
    }

    /// Tells how it ended, and gives the environment back if it can take another invocation. The end of the log, if the
    /// caller wants it.
    async fn end(mut self, after: Result<(), Failure>) -> Option<Bytes> {
        let limit = self.function.spec.timeout;
        if let Err(failure) = &after {
            self.reusable = false;
            self.environment.process.reason = failure.shutdown_reason();
            self.report.status = failure.status();
            self.count.conclusion = failure.conclusion();
            explain(failure, self.request_id, limit, &mut self.environment.journal);
        }
        self.tell_runtime_done();
        if self.environment.has_listeners() {
            self.report.duration = self.count.begun.elapsed().min(limit);
            self.report.saw_memory(self.environment.process.peak_memory_mb());
        }
        let (request_id, report) = (self.request_id, &self.report);
        let journal = &mut self.environment.journal;
        journal.platform(PlatformEvent::Report { request_id, report });
        self.count.close(&self.function, report);
        let tail = journal.take_tail();
        journal.flush().await;
        if self.reusable {
            self.function.pool.put(self.environment);
        }
        drop(self.permit);
        tail
    }
}

/// Writes down what a failure has to say.
pub(crate) fn explain(failure: &Failure, id: RequestId, timeout: Duration, journal: &mut Journal) {
    if let Some(line) = failure.log_line(id, SystemTime::now(), timeout) {
        journal.explain(line);
    }
}
