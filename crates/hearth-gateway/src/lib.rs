//! HTTP in front of functions: from requests to events, and from what functions return to responses.
//!
//! [`FunctionUrls`] is a [`hearth_wire::Site`] that answers for the URLs of functions, by host name or by path. The
//! mapping in both directions is pure: it looks at nothing but its arguments.
#![forbid(unsafe_code)]

mod address;
mod cors;
mod event;
mod function_urls;
mod functions;
mod head;
mod hop_by_hop;
mod json;
mod refusal;
mod response;
mod stream;

pub use function_urls::FunctionUrls;
pub use functions::{BoxFuture, Functions};
