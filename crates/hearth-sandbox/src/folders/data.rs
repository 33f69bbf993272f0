//! What a data directory is known by.

use std::path::Path;

/// Whether this is the data directory of a server, whichever it is and whatever its name.
///
/// The keys, the state and the logs of all functions are in there, so it is no part of anybody's code. It is known by
/// the key that a server makes before it takes any request.
pub fn is_data_directory(directory: &Path) -> bool {
    directory.join("keys/seal.key").symlink_metadata().is_ok()
}

/// Whether this is a data directory or lies in one.
pub fn is_in_data_directory(directory: &Path) -> bool {
    directory.ancestors().any(is_data_directory)
}
