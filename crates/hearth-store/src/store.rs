//! The whole store.

use std::pin::Pin;

use crate::{Documents, Queues, StoreError, Unit};

/// A boxed future, so that consumers can hold the store as a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a commit did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// The new revision of each document the unit put, in the order of its puts.
    pub revisions: Vec<u64>,
}

/// Durable state, on one node or shared by many.
pub trait Store: Documents + Queues {
    /// Commits a unit. When this answers `Ok`, the unit is on disk; on a refusal ([`StoreError::Conflict`],
    /// [`StoreError::LeaseLost`], [`StoreError::Duplicate`], [`StoreError::Full`]) nothing of it happened. After
    /// any other error, or when the future is dropped, it may or may not have happened.
    fn commit(&self, unit: Unit) -> BoxFuture<'_, Result<Committed, StoreError>>;
}
