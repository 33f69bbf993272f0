//! Documents: what is configured, such as functions and mappings.

use bytes::Bytes;
use hearth_types::Scope;
use tokio::sync::broadcast;

use crate::{BoxFuture, Key, Kind, StoreError};

/// A document as it was at the moment of reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name.
    pub key: Key,
    /// At least 1; grows with every change of this document and is never used again, not even after a
    /// deletion.
    pub revision: u64,
    /// The content, JSON by convention; the store does not look inside.
    pub body: Bytes,
}

/// Says that a document was put or deleted, and nothing about how: the order of changes is not the order of
/// commits, so whoever is interested reads the document again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The document to read again.
    pub key: Key,
}

/// Reading documents. Every read sees everything whose commit was answered before the read began.
pub trait Documents: Send + Sync {
    /// One document, or `None` where there is none.
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Document>, StoreError>>;

    /// Up to `limit` documents of a kind in one account and region, ordered by the bytes of their
    /// identifiers, beginning behind `after`.
    fn list<'a>(
        &'a self,
        scope: &'a Scope,
        kind: Kind,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Document>, StoreError>>;

    /// All documents of a kind in all accounts and regions as of one moment, ordered by key: for building a
    /// snapshot at start.
    fn list_all(&self, kind: Kind) -> BoxFuture<'_, Result<Vec<Document>, StoreError>>;

    /// Follows changes that are committed from now on. A receiver that is told it lagged has missed some and
    /// must read everything it cares for again. To build a snapshot without gaps, subscribe first, then list.
    fn changes(&self) -> broadcast::Receiver<Change>;
}
