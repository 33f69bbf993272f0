//! The Lambda API through the router: real state, and a stand-in for the engine.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it must be"
)]

mod asynchronous;
mod cases;
mod folders;
mod layers;
mod pattern;
mod restarts;
mod streaming;
mod support;
mod template;
mod updates;
mod versions;
