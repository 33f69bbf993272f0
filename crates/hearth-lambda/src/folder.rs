//! Code that is a folder of this machine, shown to the function as it is: the bucket `hot-reload`, as LocalStack has
//! it. Only in development mode.

use std::fmt;

use hearth_engine::Opened;
use hearth_types::CodeHash;

use crate::BoxFuture;
use crate::function::Code;

/// The bucket whose keys are absolute paths.
pub(crate) const BUCKET: &str = "hot-reload";

/// Shows folders of this machine to functions.
pub trait Folders: fmt::Debug + Send + Sync + 'static {
    /// Lets functions see a folder from now on. An error says in a sentence why not.
    fn open<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Opened, String>>;
}

/// A folder as code: nothing of it is stored.
pub(crate) fn code(path: &str) -> Code {
    Code {
        hash: CodeHash::of_folder(path),
        size: 0,
        unpacked: 0,
    }
}
