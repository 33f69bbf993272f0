//! Function logs: append-only segments and the CloudWatch Logs API.
//!
//! An append puts encoded records into its group's buffer ([`LogStore::append`]); one thread takes
//! buffers in turn and writes them to the group's newest segment; reads wait for that and then scan
//! segments ([`LogStore::events`]). A group is written by nobody else and keeps to its own bounds,
//! so a function that prints without end waits for itself, and pushes out only its own past.
#![forbid(unsafe_code)]

mod api;
mod batch;
mod catalogue;
mod census;
mod durable;
mod event;
mod follow;
mod group;
mod group_key;
mod live;
mod options;
mod page;
mod pattern;
mod queue;
mod read;
mod record;
mod scan;
mod segments;
mod service;
mod shared;
mod store;
mod sync;
mod writer;

pub use api::register;
pub use event::{Event, EventKey, InvalidKey};
pub use follow::{Follower, Wanted};
pub use options::LogOptions;
pub use page::{Order, PAGE_BYTES, PAGE_EVENTS, Page, Query, Streams};
pub use pattern::{FilterPattern, InvalidPattern};
pub use read::{GroupSummary, ReadError, StreamSummary};
pub use service::LogService;
pub use store::LogStore;
