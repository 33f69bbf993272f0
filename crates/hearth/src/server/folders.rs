//! Folders of this machine, as the launcher shows them.

use hearth_engine::Opened;
use hearth_lambda::{BoxFuture, Folders};
use hearth_sandbox::FolderClient;

/// What the launcher allows.
#[derive(Debug)]
pub(super) struct Shown(pub(super) FolderClient);

impl Folders for Shown {
    fn open<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Opened, String>> {
        Box::pin(async { self.0.open(path).await.map_err(|error| error.to_string()) })
    }
}
