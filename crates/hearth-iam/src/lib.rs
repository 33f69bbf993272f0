//! Identities, SigV4 verification, session credentials and secrets.
#![forbid(unsafe_code)]
