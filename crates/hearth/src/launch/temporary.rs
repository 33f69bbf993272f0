//! Where `dev --ephemeral` keeps its data: a directory that is gone when the process ends, or when the next one
//! starts if this one was killed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf, absolute};

use crate::failure::Failure;

/// How a directory is called before it is locked, and after.
const UNLOCKED: &str = ".hearth-";
const LOCKED: &str = "hearth-ephemeral-";

/// A temporary directory that is locked as long as its process lives.
#[derive(Debug)]
pub(crate) struct Temporary {
    path: PathBuf,
    _lock: File,
}

impl Temporary {
    /// Makes one, and removes those whose process was killed.
    pub(crate) fn create() -> Result<Self, Failure> {
        let parent = parent(std::env::temp_dir());
        Self::create_in(&parent).map_err(|error| refused(&parent, &error))
    }

    fn create_in(parent: &Path) -> io::Result<Self> {
        sweep(parent);
        let made = tempfile::Builder::new().prefix(UNLOCKED).tempdir_in(parent)?;
        let lock = File::open(made.path())?;
        lock.lock()?;
        let made = made.keep();
        let name = made.file_name().unwrap_or_default().to_string_lossy();
        let path = parent.join(name.replacen(UNLOCKED, LOCKED, 1));
        fs::rename(&made, &path)?;
        Ok(Self { path, _lock: lock })
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Where temporary directories go if this is what the user has in TMPDIR: an empty variable is as good as none, and
/// what is made must be found from other working directories too.
fn parent(named: PathBuf) -> PathBuf {
    if named.as_os_str().is_empty() {
        return PathBuf::from("/tmp");
    }
    absolute(&named).unwrap_or(named)
}

fn refused(parent: &Path, error: &io::Error) -> Failure {
    Failure::unavailable(format_args!(
        "cannot make a temporary directory in {}: {error}; name a directory that is there, and that you may write to, in TMPDIR",
        parent.display()
    ))
}

fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let named = entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(LOCKED.as_bytes());
        // Others may write there too: what is no directory could make opening it wait.
        if named && entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_abandoned(&entry.path()) {
            remove(&entry.path());
        }
    }
}

fn is_abandoned(directory: &Path) -> bool {
    File::open(directory).is_ok_and(|directory| directory.try_lock().is_ok())
}

/// What cannot be removed now is tried again at the next start.
fn remove(directory: &Path) {
    let _ = fs::remove_dir_all(directory);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_goes_with_its_process() {
        let parent = tempfile::tempdir().unwrap();
        let temporary = Temporary::create_in(parent.path()).unwrap();
        fs::write(temporary.path().join("file"), "x").unwrap();
        drop(temporary);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_parent_is_absolute() {
        assert_eq!(parent("".into()), Path::new("/tmp"));
        assert_eq!(parent("/var/tmp".into()), Path::new("/var/tmp"));
        let here = std::env::current_dir().unwrap();
        assert_eq!(parent("below".into()), here.join("below"));
    }

    #[test]
    fn what_is_needed_is_said() {
        let parent = tempfile::tempdir().unwrap().path().join("nowhere");
        let error = Temporary::create_in(&parent).unwrap_err();
        let failure = format!("{:?}", refused(&parent, &error));
        assert!(
            failure.contains("nowhere: No such file") && failure.contains("in TMPDIR"),
            "{failure}"
        );
    }

    #[test]
    fn what_a_killed_process_left_goes_with_the_next_start() {
        let parent = tempfile::tempdir().unwrap();
        let left = parent.path().join(format!("{LOCKED}left"));
        let foreign = parent.path().join("hearth-data");
        fs::create_dir(&foreign).unwrap();
        fs::create_dir(&left).unwrap();
        fs::write(left.join("state.db"), "x").unwrap();
        let running = Temporary::create_in(parent.path()).unwrap();
        let next = Temporary::create_in(parent.path()).unwrap();
        assert!(!left.exists());
        assert!(foreign.exists() && running.path().exists() && next.path().exists());
    }
}
