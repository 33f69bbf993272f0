//! Why a folder cannot be packed.

use std::io;
use std::path::PathBuf;

use hearth_types::limits;

const MIB: u64 = 1024 * 1024;

/// Why a folder cannot be packed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageError {
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{} is not a list of patterns: {source}", path.display())]
    Patterns { path: PathBuf, source: ignore::Error },
    #[error("the name {path:?} is not UTF-8; rename it or list it in .hearthignore")]
    Name { path: PathBuf },
    #[error(
        "{} links to {}, which is outside the folder, and a package holds only what is inside; \
         replace the link by a copy or list it in .hearthignore",
        path.display(),
        target.display()
    )]
    LinkOutside { path: PathBuf, target: PathBuf },
    #[error("{} lies in the data directory of a server, whose keys and state are no code", path.display())]
    DataDirectory { path: PathBuf },
    #[error("{} has nothing to deploy: every file in it is ignored, or it is empty", path.display())]
    Empty { path: PathBuf },
    #[error(
        "the code is {} MiB unpacked, and Lambda allows {} MiB; the largest parts: {largest}. List what the \
         function does not need in .hearthignore",
        bytes / MIB,
        limits::CODE_UNZIPPED / MIB
    )]
    UnpackedTooLarge { bytes: u64, largest: String },
    #[error(
        "the zip file is {} MiB, and Lambda takes {} MiB directly; the largest parts: {largest}. List what the \
         function does not need in .hearthignore",
        *bytes as u64 / MIB,
        limits::CODE_ZIPPED as u64 / MIB
    )]
    ZipTooLarge { bytes: usize, largest: String },
    #[error("the zip file cannot be written: {0}")]
    Zip(#[from] zip::result::ZipError),
}

impl PackageError {
    /// Turns a failure to read `path` into an error that names it.
    pub(super) fn unreadable(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Unreadable { path, source }
    }
}
