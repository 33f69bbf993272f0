//! The Lambda API.
#![forbid(unsafe_code)]
