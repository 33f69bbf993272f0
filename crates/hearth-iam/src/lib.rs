//! Identities, SigV4 verification, session credentials and secrets.
//!
//! A server uses [`Verified`], which takes only requests signed with a key of the [`KeyRing`] or with
//! credentials of the [`SessionIssuer`]; a developer's machine uses [`Lenient`]. Both rest on [`sigv4`],
//! which knows signatures and no identities, and on [`Sealer`], which keeps secrets closed at rest. What a
//! resource's own policy allows is asked of [`policy`].
#![forbid(unsafe_code)]

mod authenticate;
mod hex;
mod identity;
mod keys;
mod owner_only;
pub mod policy;
mod sealer;
mod secret;
mod sessions;
pub mod sigv4;
pub mod sts;

pub use authenticate::{Inside, Lenient, Verified};
pub use keys::{AccessKey, KeyError, KeyRing, RootKey, ensure_root, profile};
pub use sealer::{KeyFileError, Sealer, UnsealError};
pub use secret::Secret;
pub use sessions::{SESSION_LIFETIME, SessionCredentials, SessionIssuer, SessionSubject};
