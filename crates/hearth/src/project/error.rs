//! Why a folder cannot be deployed as it is.

use std::io;
use std::path::PathBuf;

/// Why a folder cannot be deployed as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProjectError {
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error(
        "{} is not a function: it has neither a package.json or *.js nor a *.py nor an executable bootstrap",
        folder.display()
    )]
    NotAFunction { folder: PathBuf },
    #[error(
        "no handler found in {}. Looked for {looked}. Name yours with --handler FILE.FUNCTION",
        folder.display()
    )]
    NoHandler { folder: PathBuf, looked: String },
    #[error("the handler {handler} names no function; write FILE.FUNCTION")]
    HandlerWithoutFunction { handler: String },
    #[error("the handler {handler} is not in {}: there is no {files}", folder.display())]
    NoSuchHandler {
        folder: PathBuf,
        handler: String,
        /// The files that would hold it.
        files: String,
    },
    #[error(
        "{} holds TypeScript that is not built; Node.js runs JavaScript. Build it first, such as with \
         `esbuild index.ts --bundle --platform=node --outdir=dist`, and deploy the folder with the result",
        folder.display()
    )]
    TypeScript { folder: PathBuf },
    #[error(
        "{} has a Node.js handler ({first}) and a Python one ({second}); choose with --runtime or --handler",
        folder.display()
    )]
    Ambiguous {
        folder: PathBuf,
        first: String,
        second: String,
    },
    #[error("{} is not what npm takes: {message}", path.display())]
    PackageJson { path: PathBuf, message: String },
    #[error("{} asks for version {wanted:?}, which is no range of versions", path.display())]
    Range { path: PathBuf, wanted: String },
}
