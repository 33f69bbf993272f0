//! Where `dev --ephemeral` keeps its data: a directory that is gone when the process ends, or when the next one
//! starts if this one was killed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

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
    pub(crate) fn create() -> io::Result<Self> {
        Self::create_in(&std::env::temp_dir())
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
