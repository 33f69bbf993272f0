//! The base: the system whose programs and libraries environments see, the host's or a directory.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode};
use rustix::mount::MountAttrFlags;
use serde::{Deserialize, Serialize};

use super::etc::{self, path};
use super::mounts::{self, SEALED};
use crate::launcher::Passed;

/// What is shown of the base. On most systems all but /usr are links into it.
const SHOWN: &[&str] = &["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// What is hidden in /usr and in the prefixes of interpreters: what an administrator put there is not part of
/// the system, and a function that found it would not run on Lambda.
const HIDDEN: &[&str] = &["local", "src", "etc"];

/// The parts of the base, as mounts that are not yet anywhere.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Base {
    pub(crate) links: Vec<(String, PathBuf)>,
    pub(crate) trees: Vec<(String, Passed)>,
    pub(crate) etc: Option<Passed>,
    /// Directories of its /etc, by their paths in there.
    pub(crate) in_etc: Vec<(String, Passed)>,
}

impl Base {
    /// Opens a base. Needs the privilege to mount.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let mut base = Self::default();
        for name in SHOWN {
            let place = directory.join(name);
            match fs::symlink_metadata(&place) {
                Ok(found) if found.is_symlink() => {
                    base.links.push(((*name).to_owned(), fs::read_link(&place)?));
                }
                Ok(found) if found.is_dir() => {
                    base.trees.push(((*name).to_owned(), Passed(view(&place)?)));
                }
                _ => {}
            }
        }
        let etc = directory.join("etc");
        base.etc = view(&etc).ok().map(Passed);
        for name in etc::shown(&etc) {
            base.in_etc
                .extend(view(&etc.join(&name)).map(|view| (name, Passed(view))));
        }
        Ok(base)
    }

    /// Shows the base's trees below `root`.
    pub(crate) fn show(&self, root: &Path) -> io::Result<()> {
        for (name, target) in &self.links {
            symlink(target, root.join(name))?;
        }
        for (name, tree) in &self.trees {
            let place = root.join(name);
            fs::create_dir(&place)?;
            show(&tree.0, &place)?;
        }
        Ok(())
    }
}

/// A sealed view of a directory that the launcher may see.
pub(crate) fn view(directory: &Path) -> io::Result<OwnedFd> {
    let place = path(directory)?;
    let view = match mounts::view(rustix::fs::CWD, place) {
        // In a user namespace what is mounted below cannot be left out, since something may be hidden there.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            mounts::view_with_mounts(rustix::fs::CWD, place)?
        }
        other => other?,
    };
    mounts::restrict_all(&view, SEALED)?;
    Ok(view)
}

/// Attaches a view of /usr or of an interpreter, and hides in it what is to be hidden.
pub(crate) fn show(view: &OwnedFd, place: &Path) -> io::Result<()> {
    mounts::attach(view, path(place)?)?;
    for name in HIDDEN {
        let hidden = place.join(name);
        if hidden.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            mounts::attach(empty()?, path(&hidden)?)?;
        }
    }
    Ok(())
}

fn empty() -> io::Result<OwnedFd> {
    mounts::create("tmpfs", &[("mode", "755"), ("nr_inodes", "1")], SEALED)
}

/// Fills a /dev.
pub(crate) fn fill_dev(place: &Path) -> io::Result<()> {
    /// Character devices: name, major and minor number.
    const DEVICES: &[(&str, u32, u32)] = &[
        ("null", 1, 3),
        ("zero", 1, 5),
        ("full", 1, 7),
        ("random", 1, 8),
        ("urandom", 1, 9),
    ];
    const LINKS: &[(&str, &str)] = &[
        ("fd", "/proc/self/fd"),
        ("stdin", "fd/0"),
        ("stdout", "fd/1"),
        ("stderr", "fd/2"),
    ];

    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let dev = mounts::create("tmpfs", &[("mode", "755"), ("size", "64k")], attributes)?;
    let mut shown = Vec::new();
    for (name, major, minor) in DEVICES {
        let device = rustix::fs::makedev(*major, *minor);
        let mode = Mode::from_raw_mode(0o666);
        match rustix::fs::mknodat(&dev, *name, FileType::CharacterDevice, mode, device) {
            // In a user namespace nobody makes devices: below, those of the host are shown.
            Err(rustix::io::Errno::PERM) => {
                shown.push((*name, mounts::view(rustix::fs::CWD, &format!("/dev/{name}"))?));
                rustix::fs::mknodat(&dev, *name, FileType::RegularFile, mode, 0)?;
            }
            made => {
                made?;
                rustix::fs::chmodat(&dev, *name, mode, rustix::fs::AtFlags::empty())?;
            }
        }
    }
    for (name, target) in LINKS {
        rustix::fs::symlinkat(*target, &dev, *name)?;
    }
    rustix::fs::mkdirat(&dev, "shm", Mode::from_raw_mode(0o755))?;
    mounts::restrict(&dev, MountAttrFlags::MOUNT_ATTR_RDONLY)?;
    mounts::attach(&dev, path(place)?)?;
    for (name, device) in shown {
        mounts::restrict(&device, attributes | MountAttrFlags::MOUNT_ATTR_RDONLY)?;
        mounts::attach(&device, path(&place.join(name))?)?;
    }
    Ok(())
}
