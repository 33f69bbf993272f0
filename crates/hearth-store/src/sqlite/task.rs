//! What the writer does: tasks, each within a savepoint of its own.

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::feed::Feed;
use super::timers::Timers;
use crate::StoreError;

/// One thing for the writer to do.
pub(super) trait Task: Send + 'static {
    /// What the caller is told.
    type Answer: Send;

    /// Does it. Runs again where the transaction around it failed.
    fn run(&self, db: &Connection, timers: &mut Timers) -> Result<Self::Answer, Failure>;

    /// What follows once it is on disk.
    fn settle(&self, _feed: &Feed) {}
}

/// Why a task did not run to its end.
pub(super) enum Failure {
    /// A precondition does not hold: only this task is undone.
    Refused(StoreError),
    /// The storage failed: the transaction is undone.
    Storage(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error)
    }
}

/// A task of any type together with whoever waits for its answer.
pub(super) trait Job: Send {
    /// Runs the task and keeps the answer; says whether its changes are to be kept.
    fn run(&mut self, db: &Connection, timers: &mut Timers) -> Result<bool, rusqlite::Error>;

    /// Hands out the answer, now that it is on disk.
    fn settle(self: Box<Self>, feed: &Feed);

    /// Tells that the transaction failed.
    fn fail(self: Box<Self>, error: StoreError);
}

/// A task that waits for its turn, or ran and waits for the sync.
pub(super) struct Pending<T: Task> {
    task: T,
    outcome: Result<T::Answer, StoreError>,
    reply: oneshot::Sender<Result<T::Answer, StoreError>>,
}

impl<T: Task> Pending<T> {
    pub(super) fn new(task: T, reply: oneshot::Sender<Result<T::Answer, StoreError>>) -> Self {
        Self {
            task,
            outcome: Err(StoreError::Closed),
            reply,
        }
    }
}

impl<T: Task> Job for Pending<T> {
    fn run(&mut self, db: &Connection, timers: &mut Timers) -> Result<bool, rusqlite::Error> {
        self.outcome = match self.task.run(db, timers) {
            Ok(answer) => Ok(answer),
            Err(Failure::Refused(error)) => Err(error),
            Err(Failure::Storage(error)) => return Err(error),
        };
        Ok(self.outcome.is_ok())
    }

    fn settle(self: Box<Self>, feed: &Feed) {
        let Self { task, outcome, reply } = *self;
        if outcome.is_ok() {
            task.settle(feed);
        }
        // Whoever asked may have gone away; what was done stays done.
        let _ = reply.send(outcome);
    }

    fn fail(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error));
    }
}
