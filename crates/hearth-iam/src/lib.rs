//! Identities, SigV4 verification, session credentials and secrets.
#![forbid(unsafe_code)]

mod hex;
mod keys;
mod secret;
pub mod sigv4;

pub use keys::AccessKey;
pub use secret::Secret;
