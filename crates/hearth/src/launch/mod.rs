//! Starting a node: what `serve` and `dev` have in common.

mod listeners;
mod mode;
mod runtimes;
mod state;
mod temporary;
mod tier;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use hearth_runtime::Discovery;
use hearth_sandbox::launcher::{self, Launch, LaunchError, Running, UserRange};
use hearth_sandbox::{FolderRules, Identity, Tier};
use serde::{Deserialize, Serialize};

pub(crate) use mode::Mode;
pub(crate) use runtimes::look;
pub(crate) use state::state_directory;
pub(crate) use temporary::Temporary;
pub(crate) use tier::{LAST_RESORT, lacking, meant, needed, works};

use crate::failure::Failure;
use crate::settings::{Settings, UidRange};

/// Where the store unpacks code packages, below the data directory.
const CODE: &str = "blobs/trees";
/// How much longer than its grace period the server may live to write down what it has.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A node that has been started, and perhaps is not ready yet.
pub(crate) struct Node {
    running: Running,
    /// Where it listens; its first one is for this machine's clients.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) discovery: Discovery,
    /// Where environments have their files in the tier process. Goes after everything that runs.
    scratch: Option<Temporary>,
}

/// What the launcher tells the server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Handover {
    pub(crate) mode: Mode,
    pub(crate) tier: Tier,
    pub(crate) settings: Settings,
    pub(crate) discovery: Discovery,
    /// The data directory by the name it has outside of the server's walls.
    pub(crate) data: PathBuf,
}

impl Node {
    /// Waits until the node has ended, and nothing of it is left. Gives the process's exit code.
    pub(crate) fn wait(self) -> Result<ExitCode, Failure> {
        let Self { running, scratch, .. } = self;
        let ended = running.wait();
        drop(scratch);
        ended.map(ExitCode::from).map_err(Failure::failed)
    }
}

/// Starts a node on a data directory. What the user can repair is found before a port opens.
///
/// Functions may be shown the folders below `roots` as they are, if there are any.
pub(crate) fn launch(
    mode: Mode,
    settings: Settings,
    data: &Path,
    roots: Vec<PathBuf>,
) -> Result<Node, Failure> {
    mode.check(&settings)?;
    let tier = tier::choose(&settings, mode)?;
    tier::warn(tier, settings.isolation_chosen_by.as_deref());
    let scratch = match tier {
        Tier::Process => Some(Temporary::create()?),
        Tier::Sandbox | Tier::Rootless => None,
    };
    let discovery = look(&settings);
    let listeners = listeners::bind(&settings.listen)?;
    let addresses = listeners
        .iter()
        .map(|listener| listener.local_addr())
        .collect::<Result<_, _>>();
    let data = std::path::absolute(data).map_err(Failure::failed)?;
    let handover = Handover {
        mode,
        tier,
        settings,
        discovery,
        data,
    };
    let Handover {
        settings,
        discovery,
        data,
        ..
    } = &handover;
    let launch = Launch {
        program: PathBuf::from("/proc/self/exe"),
        tier,
        data: data.clone(),
        code: PathBuf::from(CODE),
        base: settings.base_dir.clone().unwrap_or_else(|| PathBuf::from("/")),
        scratch: scratch.as_ref().map(|directory| directory.path().to_owned()),
        runtimes: discovery
            .installed
            .iter()
            .map(|installed| runtimes::runtime(installed, tier))
            .collect(),
        folders: (!roots.is_empty()).then(|| FolderRules {
            roots,
            data: data.clone(),
            // Without isolation nothing keeps functions from it, whatever they are shown.
            data_is_guarded: tier != Tier::Rootless,
        }),
        environments: users(settings.uid_range),
        server: server(settings),
        cpu: settings.cpu_policy,
        grace: settings.grace_period + LAST_WORDS,
        listeners,
        settings: serde_json::to_string(&handover).map_err(Failure::failed)?,
    };
    let running = launcher::start(&launch)?;
    // With `launch` its listeners are closed here: once the server has gone, nobody must seem to listen.
    Ok(Node {
        running,
        addresses: addresses.map_err(Failure::failed)?,
        discovery: handover.discovery,
        scratch,
    })
}

fn server(settings: &Settings) -> Identity {
    Identity {
        uid: settings.server_uid,
        gid: settings.server_uid,
    }
}

fn users(range: UidRange) -> UserRange {
    UserRange {
        first: range.first,
        count: range.last - range.first + 1,
    }
}

impl From<LaunchError> for Failure {
    fn from(error: LaunchError) -> Self {
        match error {
            LaunchError::Missing(..) => Self::unavailable(error),
            LaunchError::Settings(_) => Self::usage(error),
            LaunchError::System { .. } => Self::unavailable(error),
        }
    }
}
