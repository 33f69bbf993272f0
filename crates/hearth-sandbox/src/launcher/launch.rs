//! What is to be launched.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::requirements::Requirement;
use crate::FolderRules;
use crate::isolation::limits::CpuPolicy;
use crate::isolation::privileges::Identity;
use crate::isolation::tier::Tier;

/// Everything the three processes of a node are started with.
#[derive(Debug)]
pub struct Launch {
    /// The executable with the subcommands [`super::WARDEN_COMMAND`] and [`super::SERVER_COMMAND`]; normally
    /// `/proc/self/exe`.
    pub program: PathBuf,
    /// How environments are isolated.
    pub tier: Tier,
    /// The data directory. Made if it is missing; belongs to `server`.
    pub data: PathBuf,
    /// The directory of unpacked code packages, relative to `data`.
    pub code: PathBuf,
    /// The system whose programs and libraries environments see: `/`, or a directory with a /usr.
    pub base: PathBuf,
    /// Where environments have their files in the tier process, which no other looks at: an empty directory of the
    /// user's alone, whose path is UTF-8 and holds no colon. What is in it is gone when the node has ended.
    pub scratch: Option<PathBuf>,
    /// The runtimes; [`crate::RuntimeIndex`] counts them.
    pub runtimes: Vec<Runtime>,
    /// Which folders may be shown to functions as they are; none without.
    pub folders: Option<FolderRules>,
    /// User numbers for environments. Nothing else on this machine may use them.
    pub environments: UserRange,
    /// The server's user, outside that range.
    pub server: Identity,
    /// What memory size means for CPU.
    pub cpu: CpuPolicy,
    /// How long the server may take to finish after the first SIGTERM or SIGINT.
    pub grace: Duration,
    /// Sockets the server serves on.
    pub listeners: Vec<TcpListener>,
    /// Text for the server, handed over as it is.
    pub settings: String,
}

impl Launch {
    /// The server's user where none is set: numbers that no distribution hands out.
    pub const SERVER: Identity = Identity {
        uid: 1_899_999_999,
        gid: 1_899_999_999,
    };
    /// The environments' users where none are set.
    pub const ENVIRONMENTS: UserRange = UserRange {
        first: 1_900_000_000,
        count: 4096,
    };
}

/// An interpreter and what runs in it.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// The directory the interpreter is installed in; environments see it as /var/lang.
    pub prefix: PathBuf,
    /// The interpreter, relative to `prefix`.
    pub executable: PathBuf,
    /// Its arguments. `{memory}` becomes the function's memory in MB, `{heap}` nine tenths of it, and `{root}` what is in
    /// front of all paths in the environment ([`hearth_types::Places::root`]).
    pub arguments: Vec<String>,
    /// `KEY=VALUE` variables it is started with, unless they come later ([`crate::Start::Deferred`]). `{root}` becomes
    /// the same.
    pub environment: Vec<String>,
    /// The files environments see in /var/runtime: names and contents.
    pub bootstrap: Vec<(String, Vec<u8>)>,
}

/// A range of user numbers, which are group numbers too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRange {
    /// The first. It owns the processes that keep environments together.
    pub first: u32,
    /// How many: one more than environments can run at a time.
    pub count: u32,
}

impl UserRange {
    fn contains(self, uid: u32) -> bool {
        uid >= self.first && uid - self.first < self.count
    }
}

/// Why nothing could be launched.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The machine lacks something.
    #[error("functions cannot be isolated here (tier {}):{}", .0, list(.1))]
    Missing(Tier, Vec<Requirement>),
    /// The settings contradict each other or the machine.
    #[error("{0}")]
    Settings(String),
    /// A system call failed.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// How it failed.
        source: std::io::Error,
    },
}

fn list(missing: &[Requirement]) -> String {
    missing
        .iter()
        .map(|requirement| format!("\n  {}: {}", requirement.name, requirement.advice))
        .collect()
}

impl Launch {
    /// The text of [`Self::scratch`], where the tier has one.
    pub(crate) fn scratch(&self) -> Result<Option<String>, LaunchError> {
        let scratch = self.scratch.as_ref().filter(|_| self.tier.walls().is_none());
        let text = |path: &PathBuf| match path.to_str() {
            Some(text) if path.is_absolute() && !text.contains(':') => Ok(text.to_owned()),
            _ => Err(LaunchError::Settings(format!(
                "{} cannot hold the files of environments: its path must be absolute, and text without a colon; name another \
                 temporary directory in TMPDIR",
                path.display()
            ))),
        };
        scratch.map(text).transpose()
    }

    /// Refuses what would weaken the isolation.
    pub(crate) fn check(&self) -> Result<(), LaunchError> {
        let refuse = |why: String| Err(LaunchError::Settings(why));
        let walls = self.tier.walls().is_some();
        if !walls {
            self.scratch()?.ok_or_else(|| {
                LaunchError::Settings("environments without walls need a directory".to_owned())
            })?;
        }
        let Identity { uid, gid } = self.server;
        if uid == 0 || gid == 0 || self.environments.contains(uid) || self.environments.contains(gid) {
            return refuse(format!(
                "the server's user {uid}:{gid} is root's or an environment's"
            ));
        }
        let UserRange { first, count } = self.environments;
        if first == 0 || count < 2 || first.checked_add(count).is_none_or(|end| end > i32::MAX as u32) {
            return refuse(format!("{count} user numbers from {first} on are not usable"));
        }
        if self.tier != Tier::Sandbox && self.cpu == CpuPolicy::Quota {
            return refuse(format!(
                "cpu-policy quota needs control groups, which the tier {} does not have",
                self.tier
            ));
        }
        let data = self.data.canonicalize().unwrap_or_else(|_| self.data.clone());
        for Runtime {
            prefix, executable, ..
        } in &self.runtimes
        {
            if !prefix.join(executable).is_file() {
                return refuse(format!(
                    "there is no {} in {}",
                    executable.display(),
                    prefix.display()
                ));
            }
            let real = prefix.canonicalize().unwrap_or_default();
            if walls && (real.parent().is_none() || data.starts_with(&real)) {
                return refuse(format!("environments must not see all of {}", prefix.display()));
            }
        }
        Ok(())
    }
}
