//! How a function's code reaches the server.

use std::path::Path;

use bytes::Bytes;
use hearth_types::CodeHash;
use hearth_wire::Blob;
use hearth_wire::lambda::FunctionCode;

use crate::package::Package;

/// The bucket whose keys are folders of the server's machine.
const HOT_RELOAD: &str = "hot-reload";

/// The code of a function that is deployed.
pub(crate) enum Source {
    /// A package that is uploaded.
    Package(Package),
    /// The folder as it is: a saved file is run by the next invocation. The path is absolute.
    Folder(String),
}

impl Source {
    /// A folder as it is.
    pub(crate) fn folder(path: &Path) -> std::io::Result<Self> {
        let real = path.canonicalize()?;
        Ok(Self::Folder(real.to_string_lossy().into_owned()))
    }

    /// What the server calls this code.
    pub(super) fn hash(&self) -> CodeHash {
        match self {
            Self::Package(package) => package.hash,
            Self::Folder(path) => CodeHash::of_folder(path),
        }
    }

    /// The code as a request names it.
    pub(super) fn code(&self) -> FunctionCode {
        match self {
            Self::Package(package) => FunctionCode {
                zip_file: Some(Blob(Bytes::from(package.zip.clone()))),
                ..FunctionCode::default()
            },
            Self::Folder(path) => FunctionCode {
                s3_bucket: Some(HOT_RELOAD.to_owned()),
                s3_key: Some(path.clone()),
                ..FunctionCode::default()
            },
        }
    }

    /// A few words for people.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Package(package) => {
                let plural = if package.entries == 1 { "" } else { "s" };
                let kib = package.zip.len().div_ceil(1024);
                format!("{} file{plural}, {kib} KiB", package.entries)
            }
            Self::Folder(path) => format!("{path} as it is"),
        }
    }
}
