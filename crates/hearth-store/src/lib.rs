//! Durable state: documents, queues and code packages.
//!
//! Consumers hold an `Arc<dyn` [`Store`]`>` and see only the contract: [`Documents`] with revisions and a
//! change feed, [`Queues`] with leases, and [`Unit`]s of work that commit whole or not at all. What
//! [`Store::commit`] has answered survives a killed process and a power failure.
#![forbid(unsafe_code)]

mod blobs;
mod document;
mod error;
mod files;
mod key;
mod merge;
pub mod package;
mod queue;
pub mod sqlite;
mod store;
mod trees;
mod unit;

pub use blobs::{BlobError, Blobs};
pub use document::{Change, Document, Documents};
pub use error::StoreError;
pub use key::{Key, Kind};
pub use queue::{Lease, Leased, Message, QueueName, Queues};
pub use store::{BoxFuture, Committed, Store};
pub use trees::{Trees, UnpackError, Unpacked, merged};
pub use unit::{Operation, Unit, When};
