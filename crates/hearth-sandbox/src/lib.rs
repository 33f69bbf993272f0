//! The warden and the isolation of execution environments.
//!
//! Three processes of one binary work together. The *launcher* ([`launcher::start`]) opens what environments
//! may be shown, starts the *warden* ([`warden::main`]: privileged, one thread, creates and destroys
//! environments) and then the *server* ([`server::enter`]: no privilege at all), and sees to it that none
//! outlives the others. The server asks the warden through [`Sandbox`], whose implementation is
//! [`WardenClient`].
#![deny(unsafe_code)]
#[cfg(not(target_os = "linux"))]
compile_error!(
    "Hearth isolates functions with Linux namespaces and control groups, so it builds on Linux only; \
     on other systems run it in a Linux virtual machine or container"
);

pub mod attendant;
mod client;
mod contract;
mod folders;
mod freezer;
mod gauge;
mod isolation;
pub mod launcher;
mod protocol;
pub mod server;
#[allow(
    unsafe_code,
    reason = "system calls that no dependency wraps safely, each behind a safe function"
)]
mod sys;
pub mod warden;

pub use client::WardenClient;
pub use contract::{
    BOOTSTRAPS, BootRequest, Booted, BoxFuture, ClaimRequest, Code, Exit, ExitStatus, LaunchFailure,
    Listener, Reach, RuntimeIndex, Sandbox, SandboxError, Start,
};
pub use folders::{
    FolderClient, FolderError, FolderIndex, FolderRules, Opened, is_data_directory, is_in_data_directory,
};
pub use freezer::Freezer;
pub use gauge::MemoryGauge;
pub use isolation::limits::CpuPolicy;
pub use isolation::privileges::Identity;
pub use isolation::tier::Tier;
