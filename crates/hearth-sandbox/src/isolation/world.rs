//! The warden's private world: a mount namespace that holds what environments may be shown and nothing else.
//!
//! ```text
//! /base                  the root of every environment, complete but for what differs between them
//! /runtimes/<n>/prefix   an interpreter, and
//! /runtimes/<n>/bootstrap  what runs in it
//! /code/<hash>           unpacked code packages
//! /folders/<n>           folders of the user's, in `hearth dev`
//! /identities/<n>        passwd and group of one user number
//! /proc
//! ```
//! No path of the host can be named in it, neither by the warden nor by whoever takes it over. Environments never have a
//! copy of it, but one of a [stage](super::root::Stage), whose root is /base.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::mount::{MountAttrFlags, MountPropagationFlags, UnmountFlags};
use rustix::thread::UnshareFlags;

use super::base::{self, Base};
use super::etc::{self, path};
use super::mounts::{self, SEALED, UNPRIVILEGED};
use crate::sys;

/// The root of environments.
pub(crate) const BASE: &str = "/base";
/// Unpacked code packages.
pub(crate) const CODE: &str = "/code";

/// The directories of an environment's root that something is mounted on.
const PLACES: &[&str] = &[
    "proc",
    "tmp",
    "dev",
    "opt",
    "run/identity",
    "var/lang",
    "var/runtime",
    "var/task",
];

/// The place of a runtime's prefix.
pub(crate) fn prefix(runtime: usize) -> String {
    format!("/runtimes/{runtime}/prefix")
}

/// The place of a runtime's bootstrap.
pub(crate) fn bootstrap(runtime: usize) -> String {
    format!("/runtimes/{runtime}/bootstrap")
}

/// The place of a user's passwd and group files.
pub(crate) fn identity(uid: u32) -> String {
    format!("/identities/{uid}")
}

/// Writes a user's passwd and group files.
pub(crate) fn write_identity(uid: u32) -> io::Result<()> {
    etc::write_identity(Path::new(&identity(uid)), uid)
}

/// Removes them.
pub(crate) fn remove_identity(uid: u32) -> io::Result<()> {
    fs::remove_dir_all(identity(uid))
}

/// The place of a folder of the user's.
pub(crate) fn folder(number: u32) -> String {
    format!("/folders/{number}")
}

/// Shows a folder of the user's, in place of the one that was there if `replaces`.
pub(crate) fn show_folder(number: u32, view: &OwnedFd, replaces: bool) -> io::Result<()> {
    let place = folder(number);
    if replaces {
        rustix::mount::unmount(&place, UnmountFlags::DETACH)?;
    }
    fs::create_dir_all(&place)?;
    mounts::attach(view, &place)
}

/// A runtime as the world shows it.
pub(crate) struct Shown<'a> {
    /// A view of the interpreter's prefix.
    pub(crate) prefix: &'a OwnedFd,
    /// Names and contents of the files that run in it.
    pub(crate) bootstrap: &'a [(String, Vec<u8>)],
}

/// Moves the process into its world.
pub(crate) fn enter(base: &Base, runtimes: &[Shown<'_>], code: &OwnedFd) -> io::Result<()> {
    let root = enter_empty_root()?;
    show_base(base, &root.join("base"))?;
    for (number, runtime) in runtimes.iter().enumerate() {
        let place = below(&root, &prefix(number));
        fs::create_dir_all(&place)?;
        base::show(runtime.prefix, &place)?;
        let place = below(&root, &bootstrap(number));
        fs::create_dir_all(&place)?;
        for (name, content) in runtime.bootstrap {
            fs::write(place.join(name), content)?;
        }
    }
    fs::create_dir(root.join("code"))?;
    mounts::attach(code, path(&root.join("code"))?)?;
    leave_old_root(&root, &[])
}

/// A mount namespace of its own whose future root is an empty, writable file system. Returns its present
/// place.
pub(crate) fn enter_empty_root() -> io::Result<PathBuf> {
    /// Any directory that exists everywhere: in this namespace it is about to go.
    const PLACE: &str = "/proc";
    sys::unshare(UnshareFlags::NEWNS)?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private)?;
    let root = mounts::create("tmpfs", &[("mode", "755"), ("size", "64m")], UNPRIVILEGED)?;
    mounts::attach(&root, PLACE)?;
    Ok(PLACE.into())
}

/// Moves into the new root, which gets a /proc with these options, and forgets the old one.
pub(crate) fn leave_old_root(root: &Path, proc_options: &[(&str, &str)]) -> io::Result<()> {
    let proc = mounts::create(
        "proc",
        proc_options,
        UNPRIVILEGED | MountAttrFlags::MOUNT_ATTR_NOEXEC,
    )?;
    fs::create_dir(root.join("proc"))?;
    mounts::attach(&proc, path(&root.join("proc"))?)?;
    mounts::become_root(path(root)?)
}

/// Builds the root of environments.
fn show_base(base: &Base, place: &Path) -> io::Result<()> {
    fs::create_dir(place)?;
    let root = mounts::create("tmpfs", &[("mode", "755"), ("size", "8m")], UNPRIVILEGED)?;
    mounts::attach(&root, path(place)?)?;
    for name in PLACES {
        fs::create_dir_all(place.join(name))?;
    }
    base.show(place)?;
    etc::fill(&place.join("etc"), base)?;
    base::fill_dev(&place.join("dev"))?;
    mounts::restrict(&root, SEALED)
}

/// An absolute path of the world, before the process has moved into it.
fn below(root: &Path, place: &str) -> PathBuf {
    root.join(place.trim_start_matches('/'))
}
