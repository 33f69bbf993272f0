//! Code packages unpacked, ready to be mounted: a cache that can be made again from the blobs.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hearth_types::CodeHash;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::blobs::{BlobError, Blobs, blocking};
use crate::files;
use crate::merge;
use crate::package::{self, PackageError, Summary};

/// How many packages may be unpacked at once.
const LANES: usize = 16;
/// Trees up to this many entries are synced file by file; larger ones together with their file system, which
/// is faster for them but waits for what others wrote.
const SYNCED_SINGLY: usize = 64;

/// Why a package could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The package is refused.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The package could not be read or its files could not be written.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

/// What [`Trees::unpack`] found to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpacked {
    /// The package was unpacked now.
    Now(Summary),
    /// It had been unpacked before.
    Before,
}

/// Unpacked packages, each a directory named after its package's hash: directories 0755, files 0644, or 0755
/// where the package says they can be executed. A tree is there whole or not at all.
#[derive(Clone, Debug)]
pub struct Trees {
    blobs: Blobs,
    dir: Arc<Path>,
    /// Packages that are in the same lane wait for each other.
    lanes: Arc<[Arc<Mutex<()>>; LANES]>,
}

impl Trees {
    /// Opens the trees in `<data_dir>/blobs/trees`, removing unfinished ones. Blocks; meant for the start.
    pub fn open(data_dir: &Path, blobs: Blobs) -> Result<Self, BlobError> {
        let dir = data_dir.join("blobs/trees");
        files::open_dir(&dir)?;
        Ok(Self {
            blobs,
            dir: dir.into(),
            lanes: Arc::default(),
        })
    }

    /// Makes sure that a package is unpacked. Callers that want the same package wait for the one that unpacks
    /// it. What was started is finished even where the future is dropped.
    pub async fn unpack(&self, hash: CodeHash) -> Result<Unpacked, UnpackError> {
        let turn = self.turn(&hash).await;
        let trees = self.clone();
        blocking(move || {
            let _turn = turn;
            let tree = trees.path(&hash);
            if fs::exists(&tree).map_err(BlobError::from)? {
                return Ok(Unpacked::Before);
            }
            trees.unpack_to(&hash, &tree).map(Unpacked::Now)
        })
        .await
    }

    /// Makes sure that packages, which are unpacked, are also there as one tree, later ones on top of earlier ones;
    /// what names that tree (see [`merged`]).
    pub async fn merge(&self, packages: &[CodeHash]) -> Result<CodeHash, UnpackError> {
        let hash = merged(packages);
        let turn = self.turn(&hash).await;
        let (trees, packages) = (self.clone(), packages.to_vec());
        blocking(move || {
            let _turn = turn;
            let tree = trees.path(&hash);
            if !fs::exists(&tree).map_err(BlobError::from)? {
                trees.merge_to(&packages, &tree).map_err(BlobError::from)?;
            }
            Ok(hash)
        })
        .await
    }

    /// Where a package's tree is, if it has been unpacked.
    pub fn path(&self, hash: &CodeHash) -> PathBuf {
        self.dir.join(hash.to_string())
    }

    /// Removes a tree that nothing uses any more; removing none is no failure.
    pub async fn remove(&self, hash: &CodeHash) -> Result<(), BlobError> {
        let (tree, unfinished) = (self.path(hash), files::unfinished(&self.dir));
        blocking(move || {
            // Out of the way first, so that no half of it is ever seen.
            match fs::rename(&tree, &unfinished) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error.into()),
                Ok(()) => Ok::<(), BlobError>(files::remove(&unfinished)?),
            }
        })
        .await
    }

    /// Removes every tree that is not in `referenced` and answers how many: for the start, before anything else
    /// uses the trees.
    pub async fn sweep(&self, referenced: HashSet<CodeHash>) -> Result<usize, BlobError> {
        let dir = Arc::clone(&self.dir);
        blocking(move || Ok(files::sweep(&dir, &referenced)?)).await
    }

    async fn turn(&self, hash: &CodeHash) -> OwnedMutexGuard<()> {
        let lane = usize::from(hash.as_bytes()[0]) % LANES;
        Arc::clone(&self.lanes[lane]).lock_owned().await
    }

    fn merge_to(&self, packages: &[CodeHash], tree: &Path) -> io::Result<()> {
        let unfinished = files::unfinished(&self.dir);
        let mut entries = 0;
        let merged = packages
            .iter()
            .try_for_each(|package| {
                entries += merge::put_onto(&self.path(package), &unfinished)?;
                Ok(())
            })
            .and_then(|()| finish(&unfinished, entries, tree));
        if merged.is_err() {
            // What cannot be removed now is removed at the next start.
            let _ = files::remove(&unfinished);
        }
        merged
    }

    fn unpack_to(&self, hash: &CodeHash, tree: &Path) -> Result<Summary, UnpackError> {
        let zip = self.blobs.file(hash)?;
        let unfinished = files::unfinished(&self.dir);
        let unpacked = package::unpack(zip, &unfinished).and_then(|summary| {
            finish(&unfinished, summary.entries, tree).map_err(BlobError::from)?;
            Ok(summary)
        });
        if unpacked.is_err() {
            // What cannot be removed now is removed at the next start.
            let _ = files::remove(&unfinished);
        }
        unpacked
    }
}

/// What names the tree that packages are merged into: one alone is its own, of several it depends on their order.
pub fn merged(packages: &[CodeHash]) -> CodeHash {
    match packages {
        [single] => *single,
        several => {
            let parts = several.iter().flat_map(|package| package.as_bytes());
            // No package has this name: none begins so and is a zip archive.
            CodeHash::of(&b"merged\0".iter().chain(parts).copied().collect::<Vec<u8>>())
        }
    }
}

/// Makes an unfinished tree durable and gives it its name.
fn finish(unfinished: &Path, entries: usize, tree: &Path) -> io::Result<()> {
    if entries <= SYNCED_SINGLY {
        files::sync_tree(unfinished)?;
    } else {
        files::sync_file_system(unfinished)?;
    }
    files::finish(unfinished, tree)
}
