//! What functions use: counted per invocation, kept per minute and hour.
//!
//! The engine asks [`Metering`] for a counter per function and version and adds one record per invocation to it. What is
//! counted waits in the counter for [`Metering::collect`], which moves it to where queries look: the CloudWatch metrics
//! of [`query`].
#![forbid(unsafe_code)]

mod bucket;
mod counter;
mod distribution;
mod histogram;
mod layer;
mod metering;
pub mod query;
mod series;

pub use bucket::Bucket;
pub use distribution::Distribution;
pub use histogram::Histogram;
pub use metering::Metering;
