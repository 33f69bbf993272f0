//! What can go wrong with durable state.

use crate::{Key, QueueName};

/// Why the store could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A precondition did not hold; nothing of the unit happened.
    #[error("{key} is not as expected: {}", found.map_or("it does not exist".to_owned(), |r| format!("it has revision {r}")))]
    Conflict {
        /// The document whose condition failed.
        key: Key,
        /// The revision it has, `None` where it does not exist.
        found: Option<u64>,
    },
    /// The message is gone or was received again; nothing of the unit happened.
    #[error("the lease on message {id} of queue {queue} is lost")]
    LeaseLost {
        /// The queue.
        queue: QueueName,
        /// The message.
        id: String,
    },
    /// The queue already holds a message of this identifier; nothing of the unit happened.
    #[error("queue {queue} already holds message {id}")]
    Duplicate {
        /// The queue.
        queue: QueueName,
        /// The message.
        id: String,
    },
    /// There is no room left; nothing of the unit happened. Reads go on, and so may smaller writes.
    #[error("the disk that holds the state is full: free some space")]
    Full,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// What is on disk does not make sense.
    #[error("the state is damaged ({0}): restore the data directory from a backup")]
    Corrupt(String),
    /// The storage below failed; it may work again.
    #[error("the storage failed: {0}")]
    Failed(String),
}
