//! Code packages as they were uploaded: files named after what is in them.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use hearth_types::CodeHash;
use tokio::task;

use crate::files;

/// What can go wrong with a blob.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob.
    #[error("there is no code package {0}")]
    Missing(CodeHash),
    /// The file does not hold what its name says.
    #[error("the code package {0} is damaged on disk: upload it again")]
    Damaged(CodeHash),
    /// There is no room left.
    #[error("the disk that holds the code packages is full: free some space")]
    Full,
    /// The file system failed.
    #[error("the code packages cannot be accessed: {0}")]
    Io(io::Error),
}

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io(error),
        }
    }
}

/// Content-addressed files in a directory of their own. A blob is there whole or not at all.
///
/// Nothing here counts references: whoever removes a blob knows that nobody refers to it, nor is about to.
#[derive(Clone, Debug)]
pub struct Blobs {
    dir: Arc<Path>,
}

impl Blobs {
    /// Opens the blobs in `<data_dir>/blobs/zip`, removing unfinished ones. The process must hold the data
    /// directory, as an open [`SqliteStore`](crate::sqlite::SqliteStore) does. Blocks; meant for the start.
    pub fn open(data_dir: &Path) -> Result<Self, BlobError> {
        let dir = data_dir.join("blobs/zip");
        files::open_dir(&dir)?;
        Ok(Self { dir: dir.into() })
    }

    /// Keeps bytes; when this answers `Ok` they are on disk. Keeping the same bytes again costs little.
    pub async fn put(&self, bytes: Bytes) -> Result<CodeHash, BlobError> {
        let blobs = self.clone();
        blocking(move || {
            let hash = CodeHash::of(&bytes);
            let path = blobs.path(&hash);
            if fs::exists(&path)? {
                // Whoever made it may have ended before its name was durable.
                files::sync_parent(&path)?;
            } else {
                write(&path, &bytes)?;
            }
            Ok(hash)
        })
        .await
    }

    /// The bytes of a blob, compared with its name.
    pub async fn get(&self, hash: CodeHash) -> Result<Bytes, BlobError> {
        let path = self.path(&hash);
        blocking(move || {
            let bytes = fs::read(path).map_err(|error| missing_or(error, hash))?;
            if CodeHash::of(&bytes) == hash {
                Ok(bytes.into())
            } else {
                Err(BlobError::Damaged(hash))
            }
        })
        .await
    }

    /// Where a blob's file is, if there is one.
    pub fn path(&self, hash: &CodeHash) -> PathBuf {
        self.dir.join(hash.to_string())
    }

    /// Removes a blob; removing none is no failure.
    pub async fn remove(&self, hash: &CodeHash) -> Result<(), BlobError> {
        let path = self.path(hash);
        blocking(move || Ok(files::remove(&path)?)).await
    }

    /// Removes every blob that is not in `referenced` and answers how many: for the start, before anything
    /// else uses the blobs.
    pub async fn sweep(&self, referenced: HashSet<CodeHash>) -> Result<usize, BlobError> {
        let dir = Arc::clone(&self.dir);
        blocking(move || Ok(files::sweep(&dir, &referenced)?)).await
    }

    /// Opens a blob's file for reading.
    pub(crate) fn file(&self, hash: &CodeHash) -> Result<File, BlobError> {
        File::open(self.path(hash)).map_err(|error| missing_or(error, *hash))
    }
}

fn missing_or(error: io::Error, hash: CodeHash) -> BlobError {
    if error.kind() == io::ErrorKind::NotFound {
        BlobError::Missing(hash)
    } else {
        error.into()
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().expect("a blob is in a directory");
    let unfinished = files::unfinished(dir);
    let written = File::create_new(&unfinished)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| files::finish(&unfinished, path));
    if written.is_err() {
        // What cannot be removed now is removed at the next start.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// Runs work on files on a blocking thread.
pub(crate) async fn blocking<T: Send + 'static, E: From<BlobError> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    match task::spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(panicked) => Err(BlobError::Io(io::Error::other(panicked)).into()),
    }
}
