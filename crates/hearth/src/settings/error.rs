//! What can be wrong with settings.

use std::io;
use std::path::PathBuf;

/// Why the settings cannot be used. Always the user's to repair, hence exit code 64.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("{name} cannot be {value:?}; write {accepts}")]
    NotAccepted {
        name: String,
        value: String,
        accepts: &'static str,
    },
    #[error("{name} is no setting; there are: {known}")]
    Unknown { name: String, known: String },
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{} is not TOML: {message}", path.display())]
    NotToml { path: PathBuf, message: String },
    #[error(
        "isolation in {} cannot be process, which is no isolation: a file may come with a project, and functions would run \
         as you. Who trusts them says so with `hearth dev --isolation process` or HEARTH_ISOLATION=process",
        path.display()
    )]
    ProcessInFile { path: PathBuf },
    #[error("server-uid cannot be {uid}; write a user id that is neither 0 nor within uid-range")]
    ServerUid { uid: u32 },
    #[error("ephemeral and data-dir exclude each other; write one of them")]
    EphemeralDataDir,
}
