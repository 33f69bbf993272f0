//! Durable state: documents, queues and code packages.
//!
//! Consumers hold an `Arc<dyn` [`Store`]`>` and see only the contract: [`Documents`] with revisions and a
//! change feed, [`Queues`] with leases, and [`Unit`]s of work that commit whole or not at all. What
//! [`Store::commit`] has answered survives a killed process and a power failure.
#![forbid(unsafe_code)]

mod document;
mod error;
mod key;
mod queue;
pub mod sqlite;
mod store;
mod unit;

pub use document::{Change, Document, Documents};
pub use error::StoreError;
pub use key::{Key, Kind};
pub use queue::{Lease, Leased, Message, QueueName, Queues};
pub use store::{BoxFuture, Committed, Store};
pub use unit::{Operation, Unit, When};
