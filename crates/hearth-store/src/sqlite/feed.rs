//! Telling the rest of the process what was committed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{broadcast, watch};

use crate::{Change, Operation, QueueName, Unit};

/// How many changes a receiver may be behind before it is told that it missed some.
const BACKLOG: usize = 1024;

/// Who wants to know of changes and arrivals.
pub(super) struct Feed {
    changes: broadcast::Sender<Change>,
    arrivals: Mutex<HashMap<QueueName, watch::Sender<()>>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            changes: broadcast::Sender::new(BACKLOG),
            arrivals: Mutex::default(),
        }
    }
}

impl Feed {
    pub(super) fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    pub(super) fn arrivals(&self, queue: &QueueName) -> watch::Receiver<()> {
        self.lock_arrivals().entry(queue.clone()).or_default().subscribe()
    }

    /// Tells of everything a committed unit did.
    pub(super) fn announce(&self, unit: &Unit) {
        for operation in unit.operations() {
            match operation {
                Operation::Put { key, .. } | Operation::Delete { key, .. } => {
                    // It is no failure that nobody listens.
                    let _ = self.changes.send(Change { key: key.clone() });
                }
                Operation::Enqueue { queue, .. } => self.arrived(queue),
                Operation::GiveBack { lease, .. } => self.arrived(&lease.queue),
                Operation::Require { .. } | Operation::Acknowledge { .. } => {}
            }
        }
    }

    fn arrived(&self, queue: &QueueName) {
        let mut arrivals = self.lock_arrivals();
        if let Some(sender) = arrivals.get(queue)
            && sender.send(()).is_err()
        {
            arrivals.remove(queue);
        }
    }

    fn lock_arrivals(&self) -> MutexGuard<'_, HashMap<QueueName, watch::Sender<()>>> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
