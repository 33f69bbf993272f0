//! Removing the groups of wardens that were killed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::hierarchies;
use super::hierarchy::Hierarchy;

/// How the names of wardens' groups begin.
const NAME_PREFIX: &str = "hearth-warden-";

/// How deep below a hierarchy's mount a warden's group is looked for: a warden lies in the group of whoever
/// started it.
const DEPTH: usize = 6;

/// How long a sweep waits for the processes of killed wardens' environments to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the groups of one warden are known by. Its process number would not do: that is given out again, and in
/// containers that share control groups several wardens have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark(u64);

impl Mark {
    /// One that no other warden has.
    pub(crate) fn random() -> io::Result<Self> {
        let mut bytes = [0; 8];
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
        Ok(Self(u64::from_ne_bytes(bytes)))
    }

    /// How the name of a group ends that has it.
    fn ending(self) -> String {
        format!("-{:016x}", self.0)
    }
}

/// Removes the groups of every warden that no longer lives, among them one that is known to have ended:
/// processes it was just creating may still hold its lock.
pub(crate) fn sweep_after(warden: Mark) -> io::Result<()> {
    alone(&hierarchies()?, Some(warden), || Ok(()))
}

/// Sweeps, and does something more before any other warden may.
pub(super) fn alone<T>(
    hierarchies: &[Hierarchy],
    ended: Option<Mark>,
    then: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let Some(first) = hierarchies.first() else {
        return then();
    };
    let guard = File::open(&first.mount)?;
    rustix::fs::flock(&guard, FlockOperation::LockExclusive)?;
    remove_stale(hierarchies, ended);
    then()
}

/// The name of a warden's groups, with its process number for whoever reads it.
pub(super) fn name(warden: u32, mark: Mark) -> String {
    format!("{NAME_PREFIX}{warden}{}", mark.ending())
}

/// What cannot be removed yet is left to the next sweep: it is no reason not to start.
fn remove_stale(hierarchies: &[Hierarchy], ended: Option<Mark>) {
    let found: Vec<Vec<PathBuf>> = hierarchies
        .iter()
        .map(|hierarchy| wardens(&hierarchy.mount))
        .collect();
    let ended = ended.map(Mark::ending);
    let has_ended = |name: &OsStr| {
        ended
            .as_ref()
            .is_some_and(|ended| name.as_encoded_bytes().ends_with(ended.as_bytes()))
    };
    let locked = found.iter().take(1).flatten().filter(|path| is_locked(path));
    let alive: BTreeSet<&OsStr> = locked
        .filter_map(|path| path.file_name())
        .filter(|name| !has_ended(name))
        .collect();
    let deadline = Instant::now() + PATIENCE;
    for path in found.iter().rev().flatten() {
        if path.file_name().is_some_and(|name| alive.contains(name)) {
            continue;
        }
        if let Err(error) = remove_tree(path, deadline) {
            eprintln!(
                "hearth: {}, left by a warden that ended, stays for now: {error}",
                path.display()
            );
        }
    }
}

/// The groups of wardens in a hierarchy.
fn wardens(mount: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut level = vec![mount.to_owned()];
    for _ in 0..DEPTH {
        let below: Vec<PathBuf> = level.iter().flat_map(|group| groups(group)).collect();
        let is_warden = |path: &PathBuf| {
            path.file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(NAME_PREFIX.as_bytes()))
        };
        let (wardens, others): (Vec<_>, Vec<_>) = below.into_iter().partition(is_warden);
        found.extend(wardens);
        level = others;
    }
    found
}

/// The groups directly below a group; none if it is gone.
fn groups(group: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

fn is_locked(group: &Path) -> bool {
    File::open(group).is_ok_and(|file| {
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK)
    })
}

/// Removes a warden's group and those of its environments, once their processes have ended.
fn remove_tree(warden: &Path, deadline: Instant) -> io::Result<()> {
    for group in groups(warden).iter().map(PathBuf::as_path).chain([warden]) {
        loop {
            match fs::remove_dir(group) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < deadline => {
                    kill(group);
                    sleep(Duration::from_millis(1));
                }
                other => break other?,
            }
        }
    }
    Ok(())
}

/// Kills what is in a group, where the kernel does so by itself. The processes of an environment die with its warden; this
/// is for those that were too slow.
fn kill(group: &Path) {
    let _ = fs::write(group.join("cgroup.kill"), "1");
}
