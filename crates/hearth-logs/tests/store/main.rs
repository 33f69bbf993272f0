//! The store as its users see it.
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod bounds;
mod common;
mod crash;
mod reading;
