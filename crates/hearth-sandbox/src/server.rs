//! What the server process does before anything else: it gives up everything it does not need.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::mount::MountAttrFlags;
use rustix::process::{Resource, Rlimit};

use crate::isolation::mounts::{self, UNPRIVILEGED};
use crate::isolation::seccomp::Filter;
use crate::isolation::tier::{Walls, open_proc};
use crate::isolation::{base, etc, landlock, privileges, world};
use crate::launcher::{ServerManifest, poll, read_manifest};
use crate::sys;

/// Where the server finds its data directory behind walls.
pub const DATA: &str = "/data";

/// What the launcher gave the server.
#[derive(Debug)]
pub struct Inherited {
    /// The socket for [`crate::WardenClient`].
    pub warden: OwnedFd,
    /// The socket for [`crate::FolderClient`], where folders may be shown.
    pub folders: Option<OwnedFd>,
    /// The sockets to serve on.
    pub listeners: Vec<TcpListener>,
    /// The launcher's text.
    pub settings: String,
    /// The data directory: behind walls the only place, with /tmp, where the server may write.
    pub data: PathBuf,
    /// Where environments have their files in the tier process, for [`crate::WardenClient`].
    pub scratch: Option<PathBuf>,
}

/// Confines this process, for the hidden subcommand [`crate::launcher::SERVER_COMMAND`], which must not have
/// started a thread.
///
/// Afterwards it has a root file system of its own with nothing of the host's but programs and libraries, a
/// user of its own, no capability and no way to get one; it cannot start programs; and it is killed if the
/// launcher ends. In the tier process nothing of this holds but the last.
pub fn enter() -> io::Result<Inherited> {
    let manifest: ServerManifest = read_manifest()?;
    rustix::thread::set_name(c"hearth-server")?;
    // One of them tells the server to stop.
    sys::unblock_signals();
    let data = match manifest.tier.walls() {
        Some(walls) => leave_host(&manifest, walls)?,
        None => stay(&manifest)?,
    };
    // From here on its end kills this process; it may have come before.
    if poll([manifest.launcher.0.as_fd()], Some(Instant::now()))? == [true] {
        return Err(io::Error::other("the launcher has ended"));
    }
    if manifest.tier.walls().is_some() {
        landlock::confine(&[DATA, "/tmp"])?;
        Filter::of_server()?.apply()?;
    }
    Ok(Inherited {
        warden: manifest.warden.0,
        folders: manifest.folders.map(|folders| folders.0),
        listeners: manifest
            .listeners
            .into_iter()
            .map(|listener| listener.0.into())
            .collect(),
        settings: manifest.settings,
        data,
        scratch: manifest.scratch.map(PathBuf::from),
    })
}

/// Goes behind walls. Returns the data directory's place there.
fn leave_host(manifest: &ServerManifest, walls: Walls) -> io::Result<PathBuf> {
    enter_root(manifest)?;
    privileges::seal()?;
    limit()?;
    walls.become_user(manifest.identity, open_proc()?)?;
    Ok(DATA.into())
}

/// Stays as it is, but dies with its parent. Returns the data directory.
fn stay(manifest: &ServerManifest) -> io::Result<PathBuf> {
    privileges::gain_nothing()?;
    limit()?;
    privileges::die_with_parent()?;
    std::fs::read_link(format!("/proc/self/fd/{}", manifest.data.0.as_raw_fd()))
}

fn enter_root(manifest: &ServerManifest) -> io::Result<()> {
    let root = world::enter_empty_root()?;
    manifest.base.show(&root)?;
    etc::fill_for_server(&make(&root, "etc")?, &manifest.base)?;
    base::fill_dev(&make(&root, "dev")?)?;
    mounts::attach(&manifest.data.0, etc::path(&make(&root, "data")?)?)?;
    let options = [("mode", "1777"), ("size", "64m")];
    let tmp = mounts::create(
        "tmpfs",
        &options,
        UNPRIVILEGED | MountAttrFlags::MOUNT_ATTR_NOEXEC,
    )?;
    mounts::attach(&tmp, etc::path(&make(&root, "tmp")?)?)?;
    // Other users' processes are not there.
    world::leave_old_root(&root, &[("hidepid", "invisible")])
}

fn make(root: &Path, name: &str) -> io::Result<PathBuf> {
    let place = root.join(name);
    std::fs::create_dir(&place)?;
    Ok(place)
}

/// No core dumps, which would hold secrets, and as many descriptors as allowed.
fn limit() -> io::Result<()> {
    rustix::process::setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(1),
            maximum: Some(1),
        },
    )?;
    let files = rustix::process::getrlimit(Resource::Nofile);
    Ok(rustix::process::setrlimit(
        Resource::Nofile,
        Rlimit {
            current: files.maximum,
            ..files
        },
    )?)
}
