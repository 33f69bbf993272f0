//! Writing a package to disk.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::Path;

use super::name::EntryName;
use super::{Sink, Summary, read};
use crate::blobs::BlobError;
use crate::trees::UnpackError;

const READABLE: u32 = 0o644;
const EXECUTABLE: u32 = 0o755;

/// Unpacks into `root`, which it makes. What was written is not synced yet, and remains where this fails.
pub(crate) fn unpack(zip: File, root: &Path) -> Result<Summary, UnpackError> {
    make_directory(root)?;
    read::read(BufReader::new(zip), &mut Disk { root })
}

struct Disk<'a> {
    root: &'a Path,
}

impl Sink for Disk<'_> {
    type Error = UnpackError;
    type File = File;

    fn directory(&mut self, name: &str) -> Result<(), UnpackError> {
        Ok(make_directory(&self.root.join(name))?)
    }

    fn file(&mut self, name: &EntryName, executable: bool) -> Result<File, UnpackError> {
        let path = self.root.join(name.as_str());
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
            .map_err(BlobError::from)?;
        let mode = if executable { EXECUTABLE } else { READABLE };
        file.set_permissions(Permissions::from_mode(mode))
            .map_err(BlobError::from)?;
        Ok(file)
    }

    fn write(&mut self, file: &mut File, content: &[u8]) -> Result<(), UnpackError> {
        Ok(file.write_all(content).map_err(BlobError::from)?)
    }

    fn link(&mut self, name: &EntryName, target: &str) -> Result<(), UnpackError> {
        Ok(symlink(target, self.root.join(name.as_str())).map_err(BlobError::from)?)
    }
}

/// Makes a directory everybody may enter, whatever the process's umask.
fn make_directory(path: &Path) -> Result<(), BlobError> {
    fs::DirBuilder::new().mode(0o700).create(path)?;
    Ok(fs::set_permissions(path, Permissions::from_mode(EXECUTABLE))?)
}
