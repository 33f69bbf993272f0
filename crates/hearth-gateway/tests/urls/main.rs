//! The cases of `cases/urls`, and what texts nobody thought of do to a URL.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it must be"
)]

mod cases;
mod pattern;
mod properties;
mod support;
