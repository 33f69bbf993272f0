//! Starting a node and watching over it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::process::Signal;

use super::launch::{Launch, LaunchError};
use super::opened::{self, Trying};
use super::process::{Process, poll};
use super::requirements::{Requirement, requirements};
use super::spawn::spawn;
use super::{SERVER_COMMAND, WARDEN_COMMAND};
use crate::folders::{self, Broker};
use crate::isolation::cgroup::Mark;
use crate::isolation::tier::Tier;
use crate::sys::Signals;

/// How long the warden may take to end its environments when the server has gone.
const CLEAN_UP: Duration = Duration::from_secs(10);
/// How long the server may take to notice that the warden has gone.
const NOTICE: Duration = Duration::from_secs(2);
/// The exit code for a warden that ended before the server.
const WARDEN_DIED: u8 = 70;

/// A node. Dropping it ends it the hard way.
#[derive(Debug)]
pub struct Running {
    server: Process,
    warden: WardenProcess,
    signals: Signals,
    grace: Duration,
}

/// A running warden. Dropping it kills it, and with it every environment.
#[derive(Debug)]
pub struct WardenProcess {
    process: Process,
    tier: Tier,
    mark: Mark,
    scratch: Option<PathBuf>,
}

/// Ends a node from another thread, as SIGTERM does.
#[derive(Debug)]
pub struct Stopper(OwnedFd);

/// Starts a warden and a server.
///
/// Call it from the main thread before there are others: the processes are killed when the thread that
/// started them ends, and SIGTERM, SIGINT and SIGHUP are blocked from here on, for [`Running::wait`] to
/// receive.
pub fn start(launch: &Launch) -> Result<Running, LaunchError> {
    let signals = Signals::block().trying("blocking signals")?;
    let (warden, socket, folders) = start_warden_and_broker(launch)?;
    let manifest = opened::server(launch, socket, folders)?;
    let server = spawn(launch, SERVER_COMMAND, &manifest).trying("starting the server")?;
    Ok(Running {
        server,
        warden,
        signals,
        grace: launch.grace,
    })
}

/// Gives the calling process the rights that a tier starts the others with; [`start`] and [`start_warden`] do
/// it too, but it takes a process that has one thread. Does nothing where that was done before.
pub fn prepare(tier: Tier) -> Result<(), LaunchError> {
    tier.prepare_launcher().trying("entering a user namespace")
}

/// Starts a warden alone. Who holds the socket is its server; it ends when that is closed.
pub fn start_warden(launch: &Launch) -> Result<(WardenProcess, OwnedFd), LaunchError> {
    start_warden_and_broker(launch).map(|(warden, socket, _)| (warden, socket))
}

/// The same, and where the launch allows folders a thread that shows them; its server's end for
/// [`crate::FolderClient`].
pub fn start_warden_and_broker(
    launch: &Launch,
) -> Result<(WardenProcess, OwnedFd, Option<OwnedFd>), LaunchError> {
    let missing: Vec<Requirement> = requirements(launch.tier, launch.server, launch.environments)
        .into_iter()
        .filter(|requirement| requirement.needed && !requirement.met)
        .collect();
    if !missing.is_empty() {
        return Err(LaunchError::Missing(launch.tier, missing));
    }
    launch.check()?;
    prepare(launch.tier)?;
    let flags = SocketFlags::CLOEXEC;
    let (server, warden) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
        .trying("making a socket")?;
    let mut broker = None;
    let (mut folders_of_server, mut folders_of_warden) = (None, None);
    if let Some(rules) = &launch.folders {
        let (shown, shows) = folders::pair().trying("making a socket")?;
        let (asks, asked) = folders::pair().trying("making a socket")?;
        let made = Broker::new(launch.tier, rules.clone(), asked, shows).trying("watching folders")?;
        (folders_of_server, folders_of_warden, broker) = (Some(asks), Some(shown), Some(made));
    }
    let manifest = opened::warden(launch, warden, folders_of_warden)?;
    let process = spawn(launch, WARDEN_COMMAND, &manifest).trying("starting the warden")?;
    if let Some(broker) = broker {
        thread::spawn(move || broker.run());
    }
    let warden = WardenProcess {
        process,
        tier: launch.tier,
        mark: manifest.mark,
        scratch: launch.scratch.clone(),
    };
    Ok((warden, server, folders_of_server))
}

impl Running {
    /// Waits until the node has ended, and nothing of it is left. Returns the server's exit code: 128 and the
    /// number of the signal if one ended it, 70 if the warden ended first.
    ///
    /// The first SIGTERM or SIGINT is passed on, so that the server finishes what it is doing; the second
    /// ends it.
    pub fn wait(mut self) -> io::Result<u8> {
        let mut deadline: Option<Instant> = None;
        let mut in_peace = true;
        loop {
            let waited = [
                self.server.descriptor().as_fd(),
                self.warden.process.descriptor().as_fd(),
                self.signals.as_fd(),
            ];
            let [server_ended, warden_ended, signalled] = poll(waited, deadline)?;
            if warden_ended {
                // It does so in peace when the server lets go of it, which may be noticed first.
                in_peace = self.warden.process.wait()?.success();
            }
            if server_ended || warden_ended {
                break;
            }
            let again = signalled && self.signals.take()? && deadline.is_some();
            if again || deadline.is_some_and(|at| at <= Instant::now()) {
                self.server.signal(Signal::KILL);
            } else if signalled {
                self.server.signal(Signal::TERM);
                deadline = Some(Instant::now() + self.grace);
            }
        }
        let code = exit_code(
            self.server
                .end_within(if in_peace { self.grace } else { NOTICE })?,
        );
        in_peace &= self.warden.process.end_within(CLEAN_UP)?.success();
        Ok(if in_peace { code } else { WARDEN_DIED })
    }

    /// Something that ends the node while [`Self::wait`] waits.
    pub fn stopper(&self) -> io::Result<Stopper> {
        Ok(Stopper(self.server.descriptor().try_clone()?))
    }

    /// The process number of the server.
    pub fn server_id(&self) -> u32 {
        self.server.id()
    }

    /// The process number of the warden.
    pub fn warden_id(&self) -> u32 {
        self.warden.id()
    }
}

impl WardenProcess {
    /// The warden's process number.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until the warden has ended by itself, which it does when its socket is closed.
    pub fn wait(mut self) -> io::Result<ExitStatus> {
        self.process.wait()
    }
}

impl Drop for WardenProcess {
    fn drop(&mut self) {
        self.process.signal(Signal::KILL);
        // What cannot be cleaned up now is at the next start.
        let _ = self.process.wait();
        let _ = self.tier.sweep_after(self.mark, self.scratch.as_deref());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.signal(Signal::KILL);
        let _ = self.server.wait();
        let _ = self.warden.process.end_within(CLEAN_UP);
    }
}

impl Stopper {
    /// Lets the server finish what it is doing and end.
    pub fn stop(&self) -> io::Result<()> {
        Ok(rustix::process::pidfd_send_signal(&self.0, Signal::TERM)?)
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => code as u8,
        (None, Some(signal)) => 128 + signal as u8,
        (None, None) => WARDEN_DIED,
    }
}
