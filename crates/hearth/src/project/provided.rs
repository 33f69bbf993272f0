//! Recognises a function that brings its own bootstrap.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

pub(super) const CONVENTIONS: &str = "an executable file `bootstrap`";

/// What the Lambda API gets for a handler, since it must have one; bootstraps that know several read it.
pub(super) const HANDLER: &str = "bootstrap";

pub(super) fn is_there(folder: &Path) -> bool {
    let found = folder.join("bootstrap").metadata();
    found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
