//! The launcher: the process a user starts. It opens what the others need, starts the warden and the server,
//! and sees to it that none of the three outlives the others.

mod launch;
mod manifest;
mod opened;
mod passed;
mod process;
mod requirements;
mod running;
mod spawn;

pub use launch::{Launch, LaunchError, Runtime, UserRange};
pub(crate) use manifest::{RuntimeManifest, ServerManifest, WardenManifest};
pub(crate) use passed::Passed;
pub(crate) use process::poll;
pub use requirements::{Requirement, requirements};
pub use running::{Running, Stopper, WardenProcess, prepare, start, start_warden, start_warden_and_broker};
pub(crate) use spawn::read_manifest;

/// The hidden subcommand that must call [`crate::warden::main`].
pub const WARDEN_COMMAND: &str = "warden";
/// The hidden subcommand that must call [`crate::server::enter`] first thing.
pub const SERVER_COMMAND: &str = "server";
