//! The private directories of environments without walls.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long those who keep environments may take to end them when the warden has gone.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked for that.
const INTERVAL: Duration = Duration::from_millis(5);

/// Removes a directory with all that is in it, if it is there. What a function has locked is unlocked first.
pub(crate) fn remove(directory: &Path) -> io::Result<()> {
    let removed = match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            unlock(directory);
            fs::remove_dir_all(directory)
        }
        other => other,
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Lets its owner into a directory and those in it. What it cannot be let into is not removed either, which says so.
fn unlock(directory: &Path) {
    let _ = fs::set_permissions(directory, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        // A link is no directory, whatever it leads to.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            unlock(&entry.path());
        }
    }
}

/// Waits until no environment has a private directory any more: its keeper removes it last. Then removes the rest.
pub(crate) fn await_keepers(scratch: &Path) -> io::Result<()> {
    let end = Instant::now() + PATIENCE;
    while has_environments(scratch) {
        if Instant::now() > end {
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(INTERVAL);
    }
    remove(&scratch.join("runtimes"))
}

fn has_environments(scratch: &Path) -> bool {
    let mut entries = fs::read_dir(scratch).into_iter().flatten().flatten();
    entries.any(|entry| entry.file_name().as_encoded_bytes().starts_with(b"e"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_locked_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("e1");
        let locked = directory.join("tmp/locked");
        fs::create_dir_all(&locked).unwrap();
        fs::write(locked.join("file"), "x").unwrap();
        std::os::unix::fs::symlink("/etc", directory.join("var")).unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o0)).unwrap();
        remove(&directory).unwrap();
        assert!(!directory.exists() && Path::new("/etc").exists());
        remove(&directory).unwrap();
        await_keepers(parent.path()).unwrap();
    }
}
