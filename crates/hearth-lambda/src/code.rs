//! Code packages: what may be uploaded, and how long it is kept.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use hearth_engine::Layers;
use hearth_store::package::{PackageError, inspect};
use hearth_store::{BlobError, Blobs, Trees, UnpackError};
use hearth_types::{CodeHash, limits};
use hearth_wire::Blob;
use hearth_wire::lambda::{
    FunctionCode, LayerVersionContentInput, StateReasonCode, UpdateFunctionCodeRequest,
};
use tokio::sync::RwLock;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::warn;

use crate::folder;
use crate::function::Code;

/// Where a request says its code is.
#[derive(Debug, Default)]
pub(crate) struct Source {
    zip: Option<Bytes>,
    in_s3: bool,
    /// The path of a folder of this machine.
    folder: Option<String>,
}

/// Code that a function can have.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) code: Code,
    /// The folder that it is, where it is no package.
    pub(crate) folder: Option<String>,
}

/// A package that no function can have.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageRefused {
    #[error("Please provide a source for function code.")]
    NoSource,
    #[error("Please do not provide other FunctionCode parameters when providing a ZipFile.")]
    TwoSources,
    #[error("Hearth does not support code in S3 yet. Please send the package as ZipFile.")]
    InS3,
    #[error("{0}")]
    Folder(String),
    #[error("Uploaded file must be a non-empty zip")]
    Empty,
    #[error("Zipped size must be smaller than {} bytes", limits::CODE_ZIPPED)]
    TooLarge,
    #[error("Unzipped size must be smaller than {} bytes", limits::CODE_UNZIPPED)]
    TooLargeUnzipped,
    #[error("Could not unzip uploaded file. Please check your file, then try to upload again.")]
    NotAZip,
    /// It unzips, but to something that does not belong into a package. AWS has no such message.
    #[error("Could not unzip uploaded file: {0}. Please check your file, then try to upload again.")]
    Unsafe(PackageError),
}

/// Why a package cannot be taken in or used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodeError {
    #[error(transparent)]
    Refused(#[from] PackageRefused),
    #[error("Code storage limit exceeded.")]
    StorageExceeded,
    #[error(transparent)]
    Store(#[from] UnpackError),
}

/// An unpacked package.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree {
    /// Whether it has a `lib` directory.
    pub(crate) has_lib: bool,
}

/// The packages of all functions. What no function refers to any more is removed after a grace period: invocations
/// that began with it may still be running, and an upload of it may not be committed yet.
pub(crate) struct CodeStore {
    blobs: Blobs,
    trees: Trees,
    grace: Duration,
    /// Packages that may have lost their last reference, and when they were in use last.
    fading: Mutex<HashMap<CodeHash, Instant>>,
    /// Held for reading while a package is written, for writing while one is removed.
    removal: RwLock<()>,
}

impl CodeStore {
    pub(crate) fn new(blobs: Blobs, trees: Trees, grace: Duration) -> Self {
        Self {
            blobs,
            trees,
            grace,
            fading: Mutex::default(),
            removal: RwLock::default(),
        }
    }

    /// Checks a package and keeps it. It stays at least for the grace period, with or without a function.
    pub(crate) async fn accept(&self, source: Source) -> Result<Code, CodeError> {
        let zip = source.into_zip()?;
        let size = zip.len() as u64;
        let checked = zip.clone();
        let unpacked = match spawn_blocking(move || inspect(&checked))
            .await
            .expect("the reader of packages does not panic")
        {
            Ok(summary) if summary.entries == 0 => return Err(PackageRefused::Empty.into()),
            Ok(summary) => summary.unpacked_bytes,
            Err(error) => return Err(PackageRefused::from(error).into()),
        };
        let _writing = self.removal.read().await;
        let hash = self.blobs.put(zip).await.map_err(UnpackError::from)?;
        self.keep(hash);
        Ok(Code { hash, size, unpacked })
    }

    /// Makes sure that a package is unpacked.
    pub(crate) async fn unpack(&self, hash: CodeHash) -> Result<Tree, CodeError> {
        self.trees.unpack(hash).await?;
        let lib = self.trees.path(&hash).join("lib");
        let has_lib = spawn_blocking(move || lib.is_dir()).await.unwrap_or(false);
        Ok(Tree { has_lib })
    }

    /// Makes sure that layers are unpacked, and together where there are several.
    pub(crate) async fn layers(&self, packages: &[CodeHash]) -> Result<Layers, CodeError> {
        if packages.is_empty() {
            return Ok(Layers::default());
        }
        for package in packages {
            self.trees.unpack(*package).await?;
        }
        let tree = self.trees.merge(packages).await?;
        let path = self.trees.path(&tree);
        let has = move || (path.join("lib").is_dir(), path.join("extensions").is_dir());
        let (has_lib, has_extensions) = spawn_blocking(has).await.unwrap_or_default();
        Ok(Layers {
            tree: Some(tree),
            has_lib,
            has_extensions,
        })
    }

    /// A package as it was uploaded.
    pub(crate) async fn read(&self, hash: CodeHash) -> Result<Bytes, BlobError> {
        self.blobs.get(hash).await
    }

    /// Says that a package was in use until now, and perhaps is no more.
    pub(crate) fn keep(&self, hash: CodeHash) {
        self.fading().insert(hash, Instant::now());
    }

    /// Removes everything that is not referenced. For the start, before anything else uses packages.
    pub(crate) async fn sweep(&self, referenced: HashSet<CodeHash>) {
        let blobs = self.blobs.sweep(referenced.clone()).await;
        let trees = self.trees.sweep(referenced).await;
        for error in blobs.err().into_iter().chain(trees.err()) {
            warn!(%error, "code packages that nothing refers to could not be removed");
        }
    }

    /// Removes what faded away. `referenced` says what functions refer to.
    pub(crate) async fn tidy(&self, referenced: impl FnOnce() -> HashSet<CodeHash>) {
        let _removing = self.removal.write().await;
        let mut gone: Vec<CodeHash> = self
            .fading()
            .extract_if(|_, since| since.elapsed() >= self.grace)
            .map(|(hash, _)| hash)
            .collect();
        let referenced = referenced();
        gone.retain(|hash| !referenced.contains(hash));
        for hash in gone {
            for error in [self.trees.remove(&hash).await, self.blobs.remove(&hash).await]
                .into_iter()
                .filter_map(Result::err)
            {
                warn!(%hash, %error, "a code package could not be removed");
            }
        }
    }

    fn fading(&self) -> MutexGuard<'_, HashMap<CodeHash, Instant>> {
        self.fading.lock().expect("no holder of this lock panics")
    }
}

impl Source {
    /// The folder that is meant, if there may be folders.
    pub(crate) fn folder(&self) -> Option<&str> {
        self.folder.as_deref().filter(|_| self.zip.is_none())
    }

    fn new(
        zip: Option<Blob>,
        bucket: Option<String>,
        key: Option<String>,
        object_version: Option<String>,
    ) -> Self {
        let in_s3 = bucket.is_some() || key.is_some() || object_version.is_some();
        Self {
            zip: zip.map(|blob| blob.0),
            in_s3,
            folder: key.filter(|_| bucket.as_deref() == Some(folder::BUCKET)),
        }
    }

    fn into_zip(self) -> Result<Bytes, PackageRefused> {
        match self.zip {
            Some(_) if self.in_s3 => Err(PackageRefused::TwoSources),
            Some(zip) if zip.is_empty() => Err(PackageRefused::Empty),
            Some(zip) if zip.len() > limits::CODE_ZIPPED => Err(PackageRefused::TooLarge),
            Some(zip) => Ok(zip),
            None if self.in_s3 => Err(PackageRefused::InS3),
            None => Err(PackageRefused::NoSource),
        }
    }
}

impl From<FunctionCode> for Source {
    fn from(code: FunctionCode) -> Self {
        Self::new(code.zip_file, code.s3_bucket, code.s3_key, code.s3_object_version)
    }
}

impl From<LayerVersionContentInput> for Source {
    fn from(content: LayerVersionContentInput) -> Self {
        Self::new(
            content.zip_file,
            content.s3_bucket,
            content.s3_key,
            content.s3_object_version,
        )
    }
}

impl From<UpdateFunctionCodeRequest> for Source {
    fn from(request: UpdateFunctionCodeRequest) -> Self {
        Self::new(
            request.zip_file,
            request.s3_bucket,
            request.s3_key,
            request.s3_object_version,
        )
    }
}

impl From<PackageError> for PackageRefused {
    fn from(error: PackageError) -> Self {
        match error {
            PackageError::NotAZip(_) => Self::NotAZip,
            PackageError::TooLarge => Self::TooLargeUnzipped,
            other => Self::Unsafe(other),
        }
    }
}

impl CodeError {
    /// What the API calls the reason when a package that was accepted cannot be used.
    pub(crate) fn reason_code(&self) -> StateReasonCode {
        match self {
            Self::Refused(PackageRefused::Folder(_) | PackageRefused::InS3) => {
                StateReasonCode::InvalidConfiguration
            }
            Self::Refused(_) | Self::Store(UnpackError::Package(_)) => {
                StateReasonCode::InvalidZipFileException
            }
            Self::StorageExceeded | Self::Store(UnpackError::Blob(_)) => StateReasonCode::InternalError,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_refused_in_awss_words() {
        let text = |error| PackageRefused::from(error).to_string();
        assert_eq!(
            text(PackageError::TooLarge),
            "Unzipped size must be smaller than 262144000 bytes"
        );
        assert_eq!(
            text(PackageError::NotAZip("no end record".into())),
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        );
        assert_eq!(
            CodeError::StorageExceeded.to_string(),
            "Code storage limit exceeded."
        );
    }
}
