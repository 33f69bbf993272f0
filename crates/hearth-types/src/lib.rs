//! Words every layer shares: identifiers, ARNs, limits and time.
//!
//! Nothing here does I/O, and nothing here knows a wire protocol.
#![forbid(unsafe_code)]

mod account;
mod arn;
mod code;
mod environment;
mod function;
pub mod inside;
mod layer;
pub mod limits;
mod log;
mod network_policy;
mod places;
mod random;
mod request;
pub mod time;
pub mod trace;

pub use account::{AccountId, InvalidAccount, InvalidRegion, Region, Scope};
pub use arn::FunctionArn;
pub use code::{CodeHash, InvalidHash};
pub use environment::EnvironmentId;
pub use function::{FunctionName, FunctionReference, InvalidQualifier, InvalidReference, Qualifier};
pub use layer::{LayerArn, LayerName, LayerVersionArn};
pub use log::LogEvent;
pub use network_policy::{Host, HostRule, InvalidPolicy, NetworkPolicy};
pub use places::Places;
pub use request::RequestId;
