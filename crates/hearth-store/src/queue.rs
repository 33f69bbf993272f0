//! Queues: work that was accepted and must be done at least once.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hearth_types::Scope;
use tokio::sync::watch;

use crate::{BoxFuture, StoreError};

/// The name of a queue. A queue exists from its first message on and may hold messages of any account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueName(Arc<str>);

impl QueueName {
    /// Names a queue.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A message as it is enqueued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The account and region the message belongs to.
    pub scope: Scope,
    /// Its identifier, unique within queue and scope for as long as the message is there.
    pub id: String,
    /// The content; the store does not look inside.
    pub body: Bytes,
    /// When it may be leased first, kept to the microsecond. Messages are leased in this order.
    pub due: SystemTime,
}

/// The right to settle one message: a plain value, valid for as long as nobody has received the message again.
/// A lease that ran out may still settle its message unless another receiver was faster.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The queue the message is in.
    pub queue: QueueName,
    /// The message's account and region.
    pub scope: Scope,
    /// The message's identifier.
    pub id: String,
    /// The number the store gave the message and gives no other, not even one of the same identifier.
    pub number: u64,
    /// Which receipt of the message this lease stands for, counted from 1.
    pub receipt: u32,
}

/// A message that was leased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leased {
    /// Settles or extends.
    pub lease: Lease,
    /// The message; `due` is the time it was due at.
    pub message: Message,
    /// How often the message has been leased, this time included. Survives restarts.
    pub receives: u32,
    /// When the message was committed to the queue first; giving it back does not change this.
    pub enqueued_at: SystemTime,
}

/// Taking work out of queues; putting it in and settling it are operations of a [`Unit`](crate::Unit).
pub trait Queues: Send + Sync {
    /// Leases up to `limit` messages that are due, earliest first, hiding them from other callers for `period`.
    /// The receive counts are durable before this answers. Never waits: nothing due is an empty answer.
    fn lease<'a>(
        &'a self,
        queue: &'a QueueName,
        limit: usize,
        period: Duration,
    ) -> BoxFuture<'a, Result<Vec<Leased>, StoreError>>;

    /// Lets a lease run out `period` from now, sooner or later than it would have.
    ///
    /// Fails with [`StoreError::LeaseLost`] where the message is gone or was received again.
    fn extend<'a>(&'a self, lease: &'a Lease, period: Duration) -> BoxFuture<'a, Result<(), StoreError>>;

    /// When the next message can be leased: its due time or the end of its lease, which may be in the past.
    /// `None` while the queue is empty.
    fn next_due<'a>(&'a self, queue: &'a QueueName) -> BoxFuture<'a, Result<Option<SystemTime>, StoreError>>;

    /// How many messages the queue holds: due, delayed and leased together.
    fn depth<'a>(&'a self, queue: &'a QueueName) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// Is marked as changed after each commit that put messages into the queue or gave some back. Whoever
    /// works on a queue leases until nothing is due, then waits for this or for [`next_due`](Self::next_due).
    fn arrivals(&self, queue: &QueueName) -> watch::Receiver<()>;
}
