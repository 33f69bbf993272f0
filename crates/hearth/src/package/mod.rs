//! From a folder to the zip file that the Lambda API takes.

mod error;
mod files;
mod pack;

pub(crate) use error::PackageError;
pub(crate) use files::{Content, Entry, Files, files};
pub(crate) use pack::{Package, pack};
