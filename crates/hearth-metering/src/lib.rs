//! What functions use: counted per invocation, kept per minute and hour.
//!
//! The engine asks [`Metering`] for a counter per function and version and adds one record per invocation to it. What is
//! counted waits in the counter until the writer collects it, twice a second, into the journal and to where queries look:
//! the CloudWatch metrics of [`query`].
#![forbid(unsafe_code)]

mod bucket;
mod codec;
mod counter;
mod distribution;
mod folder;
mod frame;
mod histogram;
mod journal;
mod keeper;
mod layer;
mod metering;
mod options;
mod partition;
pub mod prometheus;
pub mod query;
#[cfg(test)]
mod restarts;
mod series;
mod shared;
#[cfg(test)]
mod testing;
mod usage;

pub use bucket::Bucket;
pub use distribution::{Distribution, Gauge};
pub use histogram::Histogram;
pub use metering::Metering;
pub use options::MeteringOptions;
pub use usage::{Prices, USAGE_PATH, Usage, UsageBy};
