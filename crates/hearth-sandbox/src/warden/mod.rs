//! The warden: the one process with privilege. It makes environments, gives them their code, and ends them.
//!
//! One thread waits for events and never for anything else. It parses nothing a user wrote, has no network
//! and sees no file of the host; see `isolation/world.rs`. Requests come as records of numbers; see
//! `protocol.rs`.

mod boot;
mod claim;
mod end;
mod environment;
mod events;
mod folders;
mod outbox;
mod requests;
mod runtimes;
mod socket;
mod start;
mod users;

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::process::ExitCode;

use hearth_types::EnvironmentId;

use crate::isolation::bounds::Bounds;
use crate::isolation::ground::Ground;
use crate::sys::Alone;
use end::Remains;
use environment::Environment;
use events::Events;
use outbox::Outbox;
use runtimes::Runtimes;
use users::Users;

/// Runs the warden until its server goes away. For the hidden subcommand [`crate::launcher::WARDEN_COMMAND`],
/// which must not have started a thread.
pub fn main() -> ExitCode {
    match Warden::start().and_then(Warden::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Says on standard error what went wrong.
fn complain(what: &dyn std::fmt::Display) {
    eprintln!("hearth warden: {what}");
}

/// The warden's state.
struct Warden {
    alone: Alone,
    events: Events,
    /// Where requests come from.
    server: OwnedFd,
    server_is_there: bool,
    outbox: Outbox,
    bounds: Box<dyn Bounds>,
    ground: Box<dyn Ground>,
    runtimes: Runtimes,
    /// The socket to the launcher; none where no folder may be shown, or when it is gone.
    launcher: Option<OwnedFd>,
    users: Users,
    environments: BTreeMap<EnvironmentId, Environment>,
    /// What is left of ended environments and could not be removed yet.
    remains: Vec<Remains>,
    last_id: u64,
}
