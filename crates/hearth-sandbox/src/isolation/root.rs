//! The root of one environment: what differs between environments, put onto the base.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use hearth_types::CodeHash;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::mount::MountAttrFlags;
use rustix::thread::{LinkNameSpaceType, ThreadNameSpaceType, UnshareFlags};

use super::mounts::{self, SEALED, UNPRIVILEGED};
use super::world::{self, BASE};
use crate::sys;

/// /tmp before the environment is claimed.
const UNCLAIMED_TMP: &[(&str, &str)] = &[("mode", "1777"), ("size", "1m"), ("nr_inodes", "256")];
/// /dev/shm. Lambda has none, but Python's multiprocessing needs it; charged to the environment like /tmp.
const SHARED_MEMORY: &[(&str, &str)] = &[("mode", "1777"), ("size", "64m"), ("nr_inodes", "4k")];
/// Files in /tmp for every MB of it.
const INODES_PER_MB: u32 = 256;

/// A mount namespace that holds all that the environments of a runtime have in common, and nothing else.
pub(crate) struct Stage(OwnedFd);

impl Stage {
    /// Makes one and comes back to `home`, the caller's namespace. `proc` is a /proc in that which shows the caller.
    pub(crate) fn build(
        home: BorrowedFd<'_>,
        proc: BorrowedFd<'_>,
        runtime: Option<usize>,
    ) -> io::Result<Self> {
        sys::unshare(UnshareFlags::NEWNS)?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let built =
            set_up(runtime).and_then(|()| Ok(rustix::fs::openat(proc, "self/ns/mnt", flags, Mode::empty())?));
        go_home(home);
        built.map(Self)
    }
}

impl AsFd for Stage {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn set_up(runtime: Option<usize>) -> io::Result<()> {
    if let Some(runtime) = runtime {
        let prefix = mounts::view_with_mounts(CWD, &world::prefix(runtime))?;
        mounts::attach(&prefix, &format!("{BASE}/var/lang"))?;
        mounts::attach(
            &sealed(&world::bootstrap(runtime))?,
            &format!("{BASE}/var/runtime"),
        )?;
    }
    mounts::become_root(BASE)
}

/// Makes the environment's root and moves into it. Runs in the environment's own, new namespaces but for that of mounts.
pub(crate) fn assemble(stage: BorrowedFd<'_>, identity: &str) -> io::Result<()> {
    let no_exec = MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let parts = [
        ("/run/identity", sealed(identity)?),
        // A user namespace may have it where its processes are seen already, which is here.
        ("/proc", mounts::create("proc", &[], SEALED | no_exec)?),
        ("/tmp", mounts::create("tmpfs", UNCLAIMED_TMP, UNPRIVILEGED)?),
        (
            "/dev/shm",
            mounts::create("tmpfs", SHARED_MEMORY, UNPRIVILEGED | no_exec)?,
        ),
    ];
    rustix::thread::move_into_link_name_space(stage, Some(LinkNameSpaceType::Mount))?;
    sys::unshare(UnshareFlags::NEWNS)?;
    parts
        .iter()
        .try_for_each(|(place, part)| mounts::attach(part, place))
}

fn go_home(home: BorrowedFd<'_>) {
    rustix::thread::move_into_link_name_space(home, Some(LinkNameSpaceType::Mount))
        .expect("the warden can always go home");
}

fn sealed(path: &str) -> io::Result<OwnedFd> {
    let view = mounts::view(CWD, path)?;
    mounts::restrict(&view, SEALED)?;
    Ok(view)
}

/// Opens an unpacked code package, read-only and, where kernel and file system can, as if it were root's.
pub(crate) fn open_code(code: &CodeHash, owners: Option<BorrowedFd<'_>>) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let packages = rustix::fs::openat(CWD, world::CODE, flags, Mode::empty())?;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let package = rustix::fs::openat2(&packages, code.to_string(), flags, Mode::empty(), resolve)?;
    let view = mounts::view(&package, "")?;
    match owners.map(|owners| mounts::restrict_and_translate(&view, SEALED, owners)) {
        Some(Ok(())) => {}
        Some(Err(error)) if error.raw_os_error() != Some(libc::EINVAL) => return Err(error),
        // The file system cannot translate owners: the files then show their real one.
        _ => mounts::restrict(&view, SEALED)?,
    }
    Ok(view)
}

/// Opens a folder at a place of the world, read-only and with its owner translated.
pub(crate) fn open_folder(place: &str, owners: Option<BorrowedFd<'_>>) -> io::Result<OwnedFd> {
    let view = mounts::view(CWD, place)?;
    match owners {
        Some(owners) => mounts::restrict_and_translate(&view, SEALED, owners)?,
        None => mounts::restrict(&view, SEALED)?,
    }
    Ok(view)
}

/// Gives a running environment its code and layers and sizes its /tmp.
///
/// While inside the environment's mount namespace the process, which has its root there too, uses three paths
/// only. All lie in the read-only base, where no environment can put a link. It comes back to `home` in any
/// case.
pub(crate) fn furnish(
    process: BorrowedFd<'_>,
    home: BorrowedFd<'_>,
    code: &OwnedFd,
    layers: Option<&OwnedFd>,
    ephemeral_mb: u32,
) -> io::Result<()> {
    let (size, inodes) = (
        format!("{ephemeral_mb}m"),
        (ephemeral_mb * INODES_PER_MB).to_string(),
    );
    rustix::thread::move_into_thread_name_spaces(process, ThreadNameSpaceType::MOUNT)?;
    let furnished = mounts::attach(code, "/var/task")
        .and_then(|()| layers.map_or(Ok(()), |layers| mounts::attach(layers, "/opt")))
        .and_then(|()| mounts::reconfigure("/tmp", &[("size", &size), ("nr_inodes", &inodes)]));
    go_home(home);
    furnished
}
