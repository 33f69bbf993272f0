//! Files that are there whole or not at all.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use hearth_types::CodeHash;

/// What the name of everything unfinished begins with.
const UNFINISHED: &str = ".new-";

/// A name beside the finished ones that nobody else uses: this process holds the directory for itself.
pub(crate) fn unfinished(dir: &Path) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    dir.join(format!("{UNFINISHED}{}", COUNTER.fetch_add(1, Ordering::Relaxed)))
}

/// Gives something unfinished, which was synced, its name, and makes the name durable.
pub(crate) fn finish(unfinished: &Path, name: &Path) -> io::Result<()> {
    fs::rename(unfinished, name)?;
    sync_parent(name)
}

/// Makes the names in the directory of `path` durable.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

/// Makes a directory and removes what an earlier process left unfinished in it.
pub(crate) fn open_dir(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    sync_parent(dir)?;
    remove_where(dir, |name| {
        name.to_str().is_some_and(|name| name.starts_with(UNFINISHED))
    })
    .map(|_| ())
}

/// Removes every file or tree that is named after a hash and not in `referenced`; answers how many.
pub(crate) fn sweep(dir: &Path, referenced: &HashSet<CodeHash>) -> io::Result<usize> {
    remove_where(dir, |name| {
        let hash = name.to_str().and_then(|name| CodeHash::parse(name).ok());
        hash.is_some_and(|hash| !referenced.contains(&hash))
    })
}

fn remove_where(dir: &Path, condemned: impl Fn(&OsStr) -> bool) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if condemned(&entry.file_name()) {
            remove(&entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Removes a file, or a directory with all that is in it; it is no failure that it is gone already.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes everything in a directory durable, one file after the other.
pub(crate) fn sync_tree(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let found = entry.file_type()?;
        if found.is_dir() {
            sync_tree(&entry.path())?;
        } else if found.is_file() {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(dir)?.sync_all()
}

/// Makes everything on the file system that holds `dir` durable; where that is not allowed, everything in `dir`.
#[cfg(target_os = "linux")]
pub(crate) fn sync_file_system(dir: &Path) -> io::Result<()> {
    use rustix::io::Errno;
    match rustix::fs::syncfs(File::open(dir)?) {
        // The filter of a confined server refuses it, since it would have to wait for others' files too.
        Err(Errno::PERM | Errno::NOSYS) => sync_tree(dir),
        other => Ok(other?),
    }
}

/// Elsewhere there is no such call.
#[cfg(not(target_os = "linux"))]
pub(crate) fn sync_file_system(dir: &Path) -> io::Result<()> {
    sync_tree(dir)
}
