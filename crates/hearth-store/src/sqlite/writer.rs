//! The one thread that writes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::columns::store_error;
use super::feed::Feed;
use super::task::{Job, Pending, Task};
use super::timers::Timers;
use crate::StoreError;

/// How many tasks may wait; beyond that, submitting waits.
const WAITING: usize = 1024;
/// How many tasks share a transaction at most, which bounds how long the first of them waits.
const GROUP: usize = 512;

type Jobs = mpsc::Sender<Box<dyn Job>>;

/// What the writer has done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Tasks that were answered, refused ones included: units of work and operations on leases.
    pub tasks: u64,
    /// Transactions they ran in, each at the cost of at most one sync.
    pub transactions: u64,
}

#[derive(Default)]
struct Counts {
    tasks: AtomicU64,
    transactions: AtomicU64,
}

/// The way to the writer thread. Dropping it waits until the thread has finished what was submitted.
pub(super) struct Writer {
    jobs: Option<Jobs>,
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(db: Connection, feed: Arc<Feed>) -> io::Result<Self> {
        let (jobs, queued) = mpsc::channel(WAITING);
        let counts = Arc::new(Counts::default());
        let worker = Worker {
            db,
            timers: Timers::default(),
            feed,
            counts: Arc::clone(&counts),
        };
        let thread = thread::Builder::new()
            .name("store".into())
            .spawn(move || worker.work(queued))?;
        Ok(Self {
            jobs: Some(jobs),
            counts,
            thread: Some(thread),
        })
    }

    pub(super) async fn submit<T: Task>(&self, task: T) -> Result<T::Answer, StoreError> {
        let (reply, answer) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(Box::new(Pending::new(task, reply)))
            .await
            .map_err(|_| StoreError::Closed)?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    pub(super) fn counters(&self) -> Counters {
        Counters {
            tasks: self.counts.tasks.load(Ordering::Relaxed),
            transactions: self.counts.transactions.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed already, and its callers were told.
            let _ = thread.join();
        }
    }
}

/// What the writer thread owns.
struct Worker {
    db: Connection,
    timers: Timers,
    feed: Arc<Feed>,
    counts: Arc<Counts>,
}

impl Worker {
    /// Commits groups until every sender is gone: each group is what queued while the one before was synced.
    fn work(mut self, mut queued: mpsc::Receiver<Box<dyn Job>>) {
        let mut group = Vec::new();
        while queued.blocking_recv_many(&mut group, GROUP) > 0 {
            self.commit(&mut group);
        }
    }

    /// Commits a group. Where the storage fails, each task is tried alone, so that one that does not fit
    /// does not take the others with it.
    fn commit(&mut self, group: &mut Vec<Box<dyn Job>>) {
        match self.transact(group) {
            Ok(()) => {
                self.timers.keep();
                self.counts.tasks.fetch_add(group.len() as u64, Ordering::Relaxed);
                self.counts.transactions.fetch_add(1, Ordering::Relaxed);
                group.drain(..).for_each(|job| job.settle(&self.feed));
            }
            Err(error) => {
                self.timers.undo_to(0);
                if group.len() > 1 {
                    group.drain(..).for_each(|job| self.commit(&mut vec![job]));
                } else {
                    group.drain(..).for_each(|job| job.fail(store_error(&error)));
                }
            }
        }
    }

    fn transact(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), rusqlite::Error> {
        let mut transaction = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        for job in group {
            let mark = self.timers.mark();
            let savepoint = transaction.savepoint()?;
            if job.run(&savepoint, &mut self.timers)? {
                savepoint.commit()?;
            } else {
                savepoint.finish()?;
                self.timers.undo_to(mark);
            }
        }
        transaction.commit()
    }
}
