//! Control groups: one group per warden in every hierarchy, and one below it per environment.
//!
//! Version 1 and 2 are chosen per controller, so machines that split them work too. Writing a process number
//! into `cgroup.procs` can take many milliseconds after an idle gap; here a child writes `0` into its own
//! `tasks` (version 1) or is created inside the group (version 2).

mod apply;
mod group;
mod hierarchy;
mod home;
mod memory;
mod sweep;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

pub(crate) use group::GroupBounds;
pub(crate) use hierarchy::{Controller, Version, hierarchies};
pub(crate) use sweep::{Mark, sweep_after};

/// The groups of one warden. Dropping it leaves them behind; [`Groups::close`] removes them.
pub(crate) struct Groups {
    homes: Vec<Home>,
    name: String,
}

/// The warden's group in one hierarchy.
struct Home {
    version: Version,
    controllers: Vec<Controller>,
    /// Where the warden's group lies.
    parent: OwnedFd,
    /// The warden's group. That of the first hierarchy is locked for as long as the warden lives.
    directory: OwnedFd,
}

impl Groups {
    fn home(&self, controller: Controller) -> Option<&Home> {
        self.homes
            .iter()
            .find(|home| home.controllers.contains(&controller))
    }

    /// Makes an environment's group in every hierarchy.
    pub(crate) fn add(&self, group: &str) -> io::Result<()> {
        self.homes.iter().try_for_each(|home| {
            make(&home.directory, group)?;
            if home.version == Version::V2 {
                no_pressure(home.directory.as_fd(), group);
            }
            Ok(())
        })
    }

    /// Puts the calling process, which must have one thread, into its groups of version 1.
    pub(crate) fn join(&self, group: &str) -> io::Result<()> {
        let mut first = self.homes.iter().filter(|home| home.version == Version::V1);
        first.try_for_each(|home| home.write(group, "tasks", "0"))
    }

    /// CPU time of all processes that were ever in a group, where it is measured.
    pub(crate) fn cpu_time(&self, group: &str) -> Option<Duration> {
        let home = self.home(Controller::Accounting)?;
        match home.version {
            Version::V1 => home
                .read(group, "cpuacct.usage")
                .trim_end()
                .parse()
                .map(Duration::from_nanos)
                .ok(),
            Version::V2 => {
                let text = home.read(group, "cpu.stat");
                let micros = text
                    .lines()
                    .find_map(|line| line.strip_prefix("usage_usec ")?.parse().ok());
                micros.map(Duration::from_micros)
            }
        }
    }

    /// Removes an environment's groups. `Ok(false)` if one is still in use: try again.
    pub(crate) fn remove(&self, group: &str) -> io::Result<bool> {
        let mut gone = true;
        for home in &self.homes {
            match remove(&home.directory, group) {
                Err(error) if error.raw_os_error() == Some(Errno::BUSY.raw_os_error()) => gone = false,
                other => other?,
            }
        }
        Ok(gone)
    }

    /// Removes the warden's own groups, which must hold no environment any more.
    pub(crate) fn close(&self) -> io::Result<()> {
        // The locked one goes last: while it is there, the others are not taken for leftovers.
        self.homes
            .iter()
            .rev()
            .try_for_each(|home| remove(&home.parent, &self.name))
    }
}

impl Home {
    fn write(&self, group: &str, file: &str, value: &str) -> io::Result<()> {
        write(&self.directory, &format!("{group}/{file}"), value)
    }

    /// The content of a file, empty if there is none.
    fn read(&self, group: &str, file: &str) -> String {
        read(self.directory.as_fd(), &format!("{group}/{file}")).unwrap_or_default()
    }

    fn open(&self, group: &str, file: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let path = format!("{group}/{file}");
        Ok(rustix::fs::openat(
            &self.directory,
            path,
            flags | OFlags::CLOEXEC,
            Mode::empty(),
        )?)
    }
}

/// Has the kernel not keep a record, at every switch between processes, of how long they wait: nobody reads it. Kernels
/// before 6.1 always do.
fn no_pressure(parent: BorrowedFd<'_>, group: &str) {
    let _ = write(parent, &format!("{group}/cgroup.pressure"), "0");
}

fn directory(parent: impl AsFd, name: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(parent, name, flags, Mode::empty())?)
}

fn make(parent: impl AsFd, name: &str) -> io::Result<()> {
    Ok(rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755))?)
}

/// Removes an empty group. One that is not there is as good as removed.
fn remove(parent: impl AsFd, name: &str) -> io::Result<()> {
    match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Err(Errno::NOENT) => Ok(()),
        other => Ok(other?),
    }
}

fn write(directory: impl AsFd, path: &str, value: &str) -> io::Result<()> {
    let file = rustix::fs::openat(directory, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(file, value.as_bytes())?;
    Ok(())
}

fn read(directory: BorrowedFd<'_>, path: &str) -> io::Result<String> {
    let file = rustix::fs::openat(directory, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    io::read_to_string(std::fs::File::from(file))
}
