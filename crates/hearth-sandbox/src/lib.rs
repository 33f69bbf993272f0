//! The warden and the isolation of execution environments.
//!
//! Three processes of one binary work together. The *launcher* opens what environments may be shown, starts the
//! *warden* (privileged, one thread, creates and destroys environments) and then the *server* (no privilege at
//! all), and sees to it that none outlives the others. The server asks the warden through [`Sandbox`].
#[cfg(not(target_os = "linux"))]
compile_error!(
    "Hearth isolates functions with Linux namespaces and control groups, so it builds on Linux only; \
     on other systems run it in a Linux virtual machine or container"
);

mod contract;
mod gauge;

pub use contract::{
    BootRequest, Booted, BoxFuture, ClaimRequest, Exit, ExitStatus, RuntimeIndex, Sandbox, SandboxError,
    Start,
};
pub use gauge::MemoryGauge;
