//! Two servers never share a data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

/// Holds a data directory for this process until it is dropped or the process ends, however it ends.
pub(super) struct DirectoryLock {
    _file: File,
}

/// Why the directory could not be had.
pub(super) enum Refusal {
    /// Another process holds it: its number, where it could be read.
    Held(Option<u32>),
    /// The lock file could not be opened.
    Io(io::Error),
}

impl DirectoryLock {
    /// Locks the file `lock` in `dir`, which names the holder for whoever comes second.
    pub(super) fn acquire(dir: &Path) -> Result<Self, Refusal> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(dir.join("lock"))
            .map_err(Refusal::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Refusal::Held(holder(&mut file))),
            Err(TryLockError::Error(error)) => return Err(Refusal::Io(error)),
        }
        name_holder(&mut file).map_err(Refusal::Io)?;
        Ok(Self { _file: file })
    }
}

fn name_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
