//! Mounting by descriptor.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::mount::{
    FsMountFlags, FsOpenFlags, FsPickFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};

use crate::sys;

/// What nearly every mount of an environment is: not to be written to, without set-user-ID programs or
/// devices.
pub(crate) const SEALED: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_RDONLY.union(UNPRIVILEGED);
/// The same, writable.
pub(crate) const UNPRIVILEGED: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// A new file system of this kind, not yet anywhere.
pub(crate) fn create(
    kind: &str,
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> io::Result<OwnedFd> {
    let context = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        rustix::mount::fsconfig_set_string(&context, *key, *value)?;
    }
    rustix::mount::fsconfig_create(&context)?;
    Ok(rustix::mount::fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        attributes,
    )?)
}

/// Changes options of the file system that is mounted at a path.
pub(crate) fn reconfigure(path: &str, options: &[(&str, &str)]) -> io::Result<()> {
    let flags = FsPickFlags::FSPICK_CLOEXEC | FsPickFlags::FSPICK_NO_AUTOMOUNT;
    let context = rustix::mount::fspick(rustix::fs::CWD, path, flags)?;
    for (key, value) in options {
        rustix::mount::fsconfig_set_string(&context, *key, *value)?;
    }
    Ok(rustix::mount::fsconfig_reconfigure(&context)?)
}

/// A second view of a directory or file, not yet anywhere, without what is mounted below it.
pub(crate) fn view(directory: impl AsFd, path: &str) -> io::Result<OwnedFd> {
    open_tree(directory, path, OpenTreeFlags::empty())
}

/// The same with what is mounted below it.
pub(crate) fn view_with_mounts(directory: impl AsFd, path: &str) -> io::Result<OwnedFd> {
    open_tree(directory, path, OpenTreeFlags::AT_RECURSIVE)
}

fn open_tree(directory: impl AsFd, path: &str, flags: OpenTreeFlags) -> io::Result<OwnedFd> {
    let flags = flags
        | OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_NO_AUTOMOUNT;
    Ok(rustix::mount::open_tree(directory, path, flags)?)
}

/// Puts a mount somewhere.
pub(crate) fn attach(mount: impl AsFd, path: &str) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    Ok(rustix::mount::move_mount(
        mount,
        "",
        rustix::fs::CWD,
        path,
        flags,
    )?)
}

/// Restricts a mount that was made by [`view`].
pub(crate) fn restrict(mount: impl AsFd, attributes: MountAttrFlags) -> io::Result<()> {
    sys::mount_setattr(mount.as_fd(), false, u64::from(attributes.bits()), None)
}

/// The same for a mount and those below it.
pub(crate) fn restrict_all(mount: impl AsFd, attributes: MountAttrFlags) -> io::Result<()> {
    sys::mount_setattr(mount.as_fd(), true, u64::from(attributes.bits()), None)
}

/// The same as [`restrict`], and shows the files of one owner as those of another (see [`super::owners`]).
pub(crate) fn restrict_and_translate(
    mount: impl AsFd,
    attributes: MountAttrFlags,
    owners: BorrowedFd<'_>,
) -> io::Result<()> {
    sys::mount_setattr(mount.as_fd(), false, u64::from(attributes.bits()), Some(owners))
}

/// Makes a mounted tree the root and lets go of the old one. Leaves the process in the new root.
pub(crate) fn become_root(path: &str) -> io::Result<()> {
    rustix::process::chdir(path)?;
    rustix::process::pivot_root(".", ".")?;
    rustix::mount::unmount(".", UnmountFlags::DETACH)?;
    Ok(rustix::process::chdir("/")?)
}
