//! The file that holds the sealing key: 32 bytes, readable by its owner only.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::owner_only;

const NAME: &str = "seal.key";

/// The key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read or made.
    #[error("key file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its mode lets others in.
    #[error("key file {} is open to other users (mode {mode:o}): chmod 600 it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// The permission bits.
        mode: u32,
    },
    /// It has another length than a key.
    #[error("key file {} does not hold a key of 32 bytes: restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// Reads the key, made when there is none yet.
pub(super) fn open(directory: &Path) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    let path = directory.join(NAME);
    let io = |source| KeyFileError::Io {
        path: path.clone(),
        source,
    };
    if !path.try_exists().map_err(io)? {
        make(directory, &path).map_err(io)?;
    }
    let mode = fs::metadata(&path).map_err(io)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed { path, mode });
    }
    let content = Zeroizing::new(fs::read(&path).map_err(io)?);
    content
        .as_slice()
        .try_into()
        .map(Zeroizing::new)
        .map_err(|_| KeyFileError::Damaged { path })
}

/// A fresh key.
pub(super) fn random() -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *key).expect("the system has a source of randomness");
    key
}

/// If another process makes the file at the same time, the first one's key counts.
fn make(directory: &Path, path: &Path) -> io::Result<()> {
    owner_only::create_directory(directory)?;
    match owner_only::create(path, &*random()) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    #[test]
    fn the_key_is_made_once() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("keys");
        let keys: Vec<_> = std::thread::scope(|scope| {
            let opening: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| open(&directory).unwrap()))
                .collect();
            opening.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0] && **key != [0; 32]));
        let mode = fs::metadata(directory.join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_is_not_a_private_key_is_refused() {
        let home = tempfile::tempdir().unwrap();
        open(home.path()).unwrap();
        let path = home.path().join(NAME);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let error = open(home.path()).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("is open to other users (mode 640): chmod 600 it"),
            "{error}"
        );
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        for wrong in [31, 33, 0] {
            fs::write(&path, vec![1; wrong]).unwrap();
            assert!(
                matches!(open(home.path()), Err(KeyFileError::Damaged { .. })),
                "{wrong}"
            );
        }
    }
}
