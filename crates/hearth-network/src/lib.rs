//! What becomes of the connections that functions make.
//!
//! The sandbox hands every TCP connection of an environment to the server, whatever address it was made to. A
//! [`Gateway`], one per environment, gives each to whom it is for: the Runtime API, Hearth's own API, or the world
//! outside, as far as the function's [`NetworkPolicy`](hearth_types::NetworkPolicy) goes.
#![forbid(unsafe_code)]

mod access;
mod addresses;
mod dns;
mod egress;
mod endpoint;
mod gateway;
mod outside;
mod traffic;

pub use endpoint::{BoxFuture, Endpoint};
pub use gateway::{Gateway, Services};
pub use outside::Outside;
