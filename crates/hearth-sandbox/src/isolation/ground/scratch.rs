//! The private directories of environments without walls, and the packages that they share.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long those who keep environments may take to end them when the warden has gone.
const PATIENCE: Duration = Duration::from_secs(10);
/// Everybody's right to write.
const WRITING: u32 = 0o222;
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

/// Takes everybody's right to write to the files of an unpacked package away: where nothing is mounted read-only, their
/// modes are all that keeps functions from changing them for those who come after. Functions are their owner, who can
/// give it back, and for root it means nothing. Directories stay as they are, so that a user can remove them.
pub(crate) fn seal(package: &Path) -> io::Result<()> {
    for entry in fs::read_dir(package)? {
        let entry = entry?;
        let found = entry.metadata()?;
        let mode = found.permissions().mode();
        if found.is_dir() {
            seal(&entry.path())?;
        } else if found.is_file() && mode & WRITING != 0 {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode & !WRITING))?;
        }
    }
    Ok(())
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
    fn a_sealed_package_has_no_writable_file() {
        let parent = tempfile::tempdir().unwrap();
        let outside = parent.path().join("outside");
        fs::write(&outside, "x").unwrap();
        let package = parent.path().join("package");
        fs::create_dir_all(package.join("lib")).unwrap();
        let run = package.join("lib/run");
        fs::write(&run, "x").unwrap();
        fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink(&outside, package.join("link")).unwrap();
        seal(&package).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&run), mode(&package) & 0o200), (0o555, 0o200));
        assert_eq!(mode(&outside) & 0o200, 0o200);
        remove(&package).unwrap();
    }

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
