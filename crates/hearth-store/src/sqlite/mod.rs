//! The store of a single node: one SQLite file, one thread that writes.
//!
//! Everything that changes state is a task for the writer thread, which commits whatever queued while
//! its last sync ran as one transaction. Reads run beside it on connections of their own.

mod columns;
mod commit;
mod depth;
mod extend;
mod feed;
mod get;
mod lease;
mod list;
mod lock;
mod next_due;
mod open;
mod readers;
mod schema;
mod task;
mod timers;
mod writer;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hearth_types::Scope;
use tokio::sync::{broadcast, watch};

pub use self::open::{OpenError, Options};
pub use self::writer::Counters;

use self::feed::Feed;
use self::lock::DirectoryLock;
use self::readers::Readers;
use self::writer::Writer;
use crate::{
    BoxFuture, Change, Committed, Document, Documents, Key, Kind, Lease, Leased, QueueName, Queues, Store,
    StoreError, Unit,
};

/// Durable state in `state.db` of a data directory, which it holds for itself alone. Dropping it finishes
/// what was submitted and lets go of the directory.
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
    feed: Arc<Feed>,
    _lock: DirectoryLock,
}

impl SqliteStore {
    /// What has been done since the store was opened.
    pub fn counters(&self) -> Counters {
        self.writer.counters()
    }
}

impl Documents for SqliteStore {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Document>, StoreError>> {
        let key = key.clone();
        Box::pin(self.readers.read(move |db| get::get(db, key)))
    }

    fn list<'a>(
        &'a self,
        scope: &'a Scope,
        kind: Kind,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Document>, StoreError>> {
        let (scope, after) = (scope.clone(), after.unwrap_or_default().to_owned());
        Box::pin(
            self.readers
                .read(move |db| list::list(db, &scope, kind, &after, limit)),
        )
    }

    fn list_all(&self, kind: Kind) -> BoxFuture<'_, Result<Vec<Document>, StoreError>> {
        Box::pin(self.readers.read(move |db| list::list_all(db, kind)))
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.feed.changes()
    }
}

impl Queues for SqliteStore {
    fn lease<'a>(
        &'a self,
        queue: &'a QueueName,
        limit: usize,
        period: Duration,
    ) -> BoxFuture<'a, Result<Vec<Leased>, StoreError>> {
        Box::pin(self.writer.submit(lease::LeaseDue {
            queue: queue.clone(),
            limit,
            period,
        }))
    }

    fn extend<'a>(&'a self, lease: &'a Lease, period: Duration) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.writer.submit(extend::Extend {
            lease: lease.clone(),
            period,
        }))
    }

    fn next_due<'a>(&'a self, queue: &'a QueueName) -> BoxFuture<'a, Result<Option<SystemTime>, StoreError>> {
        Box::pin(self.writer.submit(next_due::NextDue { queue: queue.clone() }))
    }

    fn depth<'a>(&'a self, queue: &'a QueueName) -> BoxFuture<'a, Result<u64, StoreError>> {
        let queue = queue.clone();
        Box::pin(self.readers.read(move |db| depth::depth(db, &queue)))
    }

    fn arrivals(&self, queue: &QueueName) -> watch::Receiver<()> {
        self.feed.arrivals(queue)
    }
}

impl Store for SqliteStore {
    fn commit(&self, unit: Unit) -> BoxFuture<'_, Result<Committed, StoreError>> {
        Box::pin(self.writer.submit(commit::Commit { unit }))
    }
}
