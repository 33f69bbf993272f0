//! Files that only their owner may read, complete on disk before they get their name.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use tempfile::NamedTempFile;

/// Makes a directory and its parents, closed to others.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    File::open(directory(path))?.sync_all()
}

/// Writes a new file; fails with `AlreadyExists` where there is one.
pub(crate) fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = directory(path);
    write_beside(directory, content)?.persist_noclobber(path)?;
    File::open(directory)?.sync_all()
}

/// Writes a file in place of the one that may be there.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = directory(path);
    write_beside(directory, content)?.persist(path)?;
    File::open(directory)?.sync_all()
}

/// The content in a file of its own, synced; it is born with mode 0600 and goes away unless it is named.
fn write_beside(directory: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let mode = Permissions::from_mode(0o600);
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .permissions(mode)
        .tempfile_in(directory)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_are_private_and_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/file");
        create_directory(path.parent().unwrap()).unwrap();
        create(&path, b"first").unwrap();
        assert_eq!(
            create(&path, b"second").unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(fs::read(&path).unwrap(), b"first");
        replace(&path, b"third").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert_eq!(
            fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "nothing is left beside"
        );
    }
}
