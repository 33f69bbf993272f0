//! What the others are given: preparing the data directory, opening it, and writing the records.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path};

use rustix::fs::{CWD, Gid, Mode, OFlags, ResolveFlags, Uid};
use rustix::mount::MountAttrFlags;
use rustix::process::PidfdFlags;

use super::launch::{Launch, LaunchError};
use super::{Passed, RuntimeManifest, ServerManifest, WardenManifest};
use crate::isolation::base::Base;
use crate::isolation::cgroup::Mark;
use crate::isolation::mounts::{SEALED, UNPRIVILEGED};
use crate::isolation::privileges::Identity;
use crate::isolation::tier::Tier;

/// Names what was tried when a system call fails.
pub(super) trait Trying<T> {
    fn trying(self, what: impl Into<String>) -> Result<T, LaunchError>;
}

impl<T, E: Into<io::Error>> Trying<T> for Result<T, E> {
    fn trying(self, what: impl Into<String>) -> Result<T, LaunchError> {
        self.map_err(|error| LaunchError::System {
            what: what.into(),
            source: error.into(),
        })
    }
}

/// Opens what the warden needs.
pub(super) fn warden(
    launch: &Launch,
    server: OwnedFd,
    folders: Option<OwnedFd>,
) -> Result<WardenManifest, LaunchError> {
    let data = data_directory(launch)?;
    let code = code_directory(launch, data)?;
    let view = launch
        .tier
        .view(&code, SEALED)
        .trying("opening the code directory")?;
    let runtime = |runtime: &super::Runtime| {
        let what = || format!("opening {}", runtime.prefix.display());
        Ok(RuntimeManifest {
            prefix: Passed(launch.tier.view_of_prefix(&runtime.prefix).trying(what())?),
            executable: runtime.executable.to_string_lossy().into_owned(),
            arguments: runtime.arguments.clone(),
            environment: runtime.environment.clone(),
            bootstrap: runtime.bootstrap.clone(),
        })
    };
    Ok(WardenManifest {
        server: Passed(server),
        base: open_base(launch)?,
        code: Passed(view),
        code_owner: launch.server,
        folders: folders.map(Passed),
        runtimes: launch
            .runtimes
            .iter()
            .map(runtime)
            .collect::<Result<_, LaunchError>>()?,
        environments: launch.environments,
        tier: launch.tier,
        scratch: launch.scratch()?,
        cpu: launch.cpu,
        mark: Mark::random().trying("asking for a random number")?,
    })
}

/// Opens what the server needs.
pub(super) fn server(
    launch: &Launch,
    warden: OwnedFd,
    folders: Option<OwnedFd>,
) -> Result<ServerManifest, LaunchError> {
    let data = launch
        .tier
        .view(
            data_directory(launch)?,
            UNPRIVILEGED | MountAttrFlags::MOUNT_ATTR_NOEXEC,
        )
        .trying("opening the data directory")?;
    let mut listeners = Vec::new();
    for listener in &launch.listeners {
        listeners.push(Passed(
            listener
                .try_clone()
                .trying("passing on a listening socket")?
                .into(),
        ));
    }
    Ok(ServerManifest {
        warden: Passed(warden),
        folders: folders.map(Passed),
        listeners,
        base: open_base(launch)?,
        data: Passed(data),
        identity: launch.server,
        tier: launch.tier,
        scratch: launch.scratch()?,
        settings: launch.settings.clone(),
        launcher: Passed(
            rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty())
                .trying("opening the launcher")?,
        ),
    })
}

fn open_base(launch: &Launch) -> Result<Base, LaunchError> {
    let base = launch.tier.open_base(&launch.base);
    base.trying(format!("opening the base {}", launch.base.display()))
}

/// Opens the data directory, which must belong to the server; an empty one is given to it.
fn data_directory(launch: &Launch) -> Result<OwnedFd, LaunchError> {
    let (data, wanted) = (&launch.data, launch.tier.owner(launch.server));
    let what = || format!("preparing the data directory {}", data.display());
    if let Some(parent) = data.parent() {
        fs::create_dir_all(parent).trying(what())?;
    }
    let directory = own_directory(CWD, data, wanted, ResolveFlags::empty()).trying(what())?;
    let owner = rustix::fs::fstat(&directory).trying(what())?.st_uid;
    if owner == wanted.uid {
        return Ok(directory);
    }
    if fs::read_dir(data).trying(what())?.next().is_none() {
        give(&directory, wanted).trying(what())?;
        rustix::fs::fchmod(&directory, Mode::from_raw_mode(0o700)).trying(what())?;
        return Ok(directory);
    }
    Err(LaunchError::Settings(belongs_to(owner, launch, wanted)))
}

/// Whose data directory this is, and what to do. Root has two tiers with a user each: what gives the directory to one of
/// them takes it from the other.
fn belongs_to(owner: u32, launch: &Launch, Identity { uid, gid }: Identity) -> String {
    let path = launch.data.display();
    let others = match launch.tier {
        Tier::Sandbox if owner == Tier::Process.owner(launch.server).uid => Some(Tier::Process),
        Tier::Process if owner == Tier::Sandbox.owner(launch.server).uid => Some(Tier::Sandbox),
        _ => None,
    };
    match (others, launch.tier) {
        (Some(others), own) => format!(
            "the data directory {path} belongs to user {owner}, as the tier {others} has it; the tier {own} has another \
             user, {uid}: give it a directory of its own with --data-dir. Only if the tier {others} is to have this one no \
             more: chown -R {uid}:{gid} {path}"
        ),
        (None, Tier::Sandbox) => format!(
            "the data directory {path} belongs to user {owner}, not to the server's user {uid}; \
             name another, or: chown -R {uid}:{gid} {path}"
        ),
        (None, Tier::Rootless | Tier::Process) => {
            format!("the data directory {path} belongs to another user; name another, or make it yours")
        }
    }
}

/// Opens the directory of code packages. The server may have put links in its place, so none is followed.
fn code_directory(launch: &Launch, data: OwnedFd) -> Result<OwnedFd, LaunchError> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let owner = launch.tier.owner(launch.server);
    let mut names = launch
        .code
        .components()
        .filter(|part| matches!(part, Component::Normal(_)));
    names.try_fold(data, |directory, name| {
        own_directory(directory, name.as_ref(), owner, resolve).trying("preparing the code directory")
    })
}

/// Opens a directory; if it is not there, makes it and gives it to its owner.
fn own_directory(
    parent: impl AsFd,
    name: &Path,
    owner: Identity,
    resolve: ResolveFlags,
) -> io::Result<OwnedFd> {
    let made = rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o700));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::openat2(&parent, name, flags, Mode::empty(), resolve)?;
    if made.is_ok() {
        give(&directory, owner)?;
    }
    Ok(directory)
}

fn give(directory: &OwnedFd, owner: Identity) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
    Ok(rustix::fs::fchown(directory, Some(uid), Some(gid))?)
}
