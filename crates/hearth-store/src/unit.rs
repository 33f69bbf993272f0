//! The unit of work: a value that says what to change and under which conditions.

use std::time::SystemTime;

use bytes::Bytes;

use crate::{Key, Lease, Message, QueueName};

/// What must hold of a document for an operation, and with it the whole unit, to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// No condition.
    Always,
    /// There is no such document.
    Absent,
    /// There is one, of whatever revision.
    Present,
    /// There is one and it has this revision.
    Revision(u64),
}

impl When {
    /// Whether the condition holds of a document with revision `found`.
    pub fn admits(self, found: Option<u64>) -> bool {
        match self {
            Self::Always => true,
            Self::Absent => found.is_none(),
            Self::Present => found.is_some(),
            Self::Revision(wanted) => found == Some(wanted),
        }
    }
}

/// One step of a [`Unit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Creates or replaces a document.
    Put {
        /// The document's name.
        key: Key,
        /// Its new content.
        body: Bytes,
        /// The condition.
        when: When,
    },
    /// Deletes a document; deleting none is no failure unless the condition says so.
    Delete {
        /// The document's name.
        key: Key,
        /// The condition.
        when: When,
    },
    /// Changes nothing, but the unit fails unless the condition holds.
    Require {
        /// The document's name.
        key: Key,
        /// The condition.
        when: When,
    },
    /// Puts a message into a queue.
    Enqueue {
        /// The queue.
        queue: QueueName,
        /// The message.
        message: Message,
    },
    /// Removes a leased message: its work is done.
    Acknowledge {
        /// The lease on it.
        lease: Lease,
    },
    /// Ends a lease and makes the message due again.
    GiveBack {
        /// The lease on it.
        lease: Lease,
        /// When the message may be leased next.
        due: SystemTime,
    },
}

/// Operations that commit together or not at all, in order: each sees what those before it did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    operations: Vec<Operation>,
}

impl Unit {
    /// A unit that does nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates or replaces a document.
    pub fn put(self, key: Key, body: impl Into<Bytes>, when: When) -> Self {
        self.with(Operation::Put {
            key,
            body: body.into(),
            when,
        })
    }

    /// Deletes a document.
    pub fn delete(self, key: Key, when: When) -> Self {
        self.with(Operation::Delete { key, when })
    }

    /// Makes the unit depend on a document it does not change.
    pub fn require(self, key: Key, when: When) -> Self {
        self.with(Operation::Require { key, when })
    }

    /// Puts a message into a queue.
    pub fn enqueue(self, queue: QueueName, message: Message) -> Self {
        self.with(Operation::Enqueue { queue, message })
    }

    /// Removes a leased message.
    pub fn acknowledge(self, lease: &Lease) -> Self {
        self.with(Operation::Acknowledge { lease: lease.clone() })
    }

    /// Ends a lease; the message may be leased again from `due` on.
    pub fn give_back(self, lease: &Lease, due: SystemTime) -> Self {
        self.with(Operation::GiveBack {
            lease: lease.clone(),
            due,
        })
    }

    /// The operations, in order.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    fn with(mut self, operation: Operation) -> Self {
        self.operations.push(operation);
        self
    }
}
