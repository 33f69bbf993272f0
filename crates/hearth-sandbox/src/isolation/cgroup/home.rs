//! Making the warden's own groups.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::sweep::{alone, name};
use super::{Controller, Groups, Home, Mark, Version, directory, hierarchies, make, no_pressure, write};
use crate::isolation::cgroup::hierarchy::Hierarchy;

impl Groups {
    /// Removes what wardens that no longer live have left, and makes groups for this one.
    ///
    /// Fails where memory, CPU or the number of processes cannot be limited.
    pub(crate) fn create(mark: Mark) -> io::Result<Self> {
        let hierarchies = hierarchies()?;
        for controller in [Controller::Memory, Controller::Cpu, Controller::Pids] {
            if !hierarchies
                .iter()
                .any(|hierarchy| hierarchy.controllers.contains(&controller))
            {
                let name = controller.name();
                return Err(io::Error::other(format!(
                    "no control group hierarchy has the controller {name}"
                )));
            }
        }
        let name = name(std::process::id(), mark);
        alone(&hierarchies, None, || {
            let homes: Vec<Home> = hierarchies
                .iter()
                .map(|hierarchy| settle(hierarchy, &name))
                .collect::<io::Result<_>>()?;
            rustix::fs::flock(&homes[0].directory, FlockOperation::NonBlockingLockExclusive)?;
            Ok(Self { homes, name })
        })
    }
}

/// Makes the warden's group in one hierarchy and prepares it for having environments below.
fn settle(hierarchy: &Hierarchy, name: &str) -> io::Result<Home> {
    let path = match hierarchy.version {
        Version::V1 => hierarchy.mount.join(&hierarchy.own),
        Version::V2 => delegated(hierarchy)?,
    };
    let parent = directory(rustix::fs::CWD, path.to_str().unwrap_or_default())?;
    make(&parent, name)?;
    let directory = directory(&parent, name)?;
    match hierarchy.version {
        Version::V1 if hierarchy.controllers.contains(&Controller::Memory) => {
            write(&directory, "memory.swappiness", "0")?;
        }
        Version::V1 => {}
        Version::V2 => {
            let switches = switches(hierarchy);
            if !switches.is_empty() {
                write(&directory, "cgroup.subtree_control", &switches)?;
            }
            if hierarchy.controllers.contains(&Controller::Memory) {
                // Kernels without swap have no such file.
                let _ = write(&directory, "memory.swap.max", "0");
            }
            no_pressure(parent.as_fd(), name);
        }
    }
    Ok(Home {
        version: hierarchy.version,
        controllers: hierarchy.controllers.clone(),
        parent,
        directory,
    })
}

/// `+memory +cpu …`: the controllers that groups further down shall have. The freezer is always there.
fn switches(hierarchy: &Hierarchy) -> String {
    let named = hierarchy
        .controllers
        .iter()
        .filter(|controller| !controller.is_built_in());
    named
        .map(|controller| format!("+{} ", controller.name()))
        .collect()
}

/// The group that processes are moved into to make room for limited groups beside it.
const PROCESSES: &str = "hearth-processes";

/// A group of version 2 that may hold other groups: there a group holds either processes or limited groups.
///
/// That is the own group if this process can be moved a level down, as in a service or a container of its
/// own; otherwise, as in a login session, the root of the hierarchy.
fn delegated(hierarchy: &Hierarchy) -> io::Result<PathBuf> {
    let switches = switches(hierarchy);
    let enable = |path: &Path| fs::write(path.join("cgroup.subtree_control"), &switches);
    let own = hierarchy.mount.join(&hierarchy.own);
    // A launcher that was started before may have moved us already.
    let own = if own.ends_with(PROCESSES) {
        own.parent().unwrap_or(&own).to_owned()
    } else {
        own
    };
    if enable(&own).is_ok() {
        return Ok(own);
    }
    let members = fs::read_to_string(own.join("cgroup.procs"))?;
    let ours = members
        .lines()
        .all(|pid| pid == std::process::id().to_string() || pid == launcher());
    if ours || own == hierarchy.mount {
        let below = own.join(PROCESSES);
        fs::create_dir_all(&below)?;
        for pid in members.lines() {
            // Whoever has ended meanwhile needs no moving.
            let _ = fs::write(below.join("cgroup.procs"), pid);
        }
        if enable(&own).is_ok() {
            return Ok(own);
        }
    }
    enable(&hierarchy.mount)?;
    Ok(hierarchy.mount.clone())
}

/// The number of the launcher, the warden's parent.
fn launcher() -> String {
    rustix::process::getppid().map_or_else(String::new, |pid| pid.to_string())
}
