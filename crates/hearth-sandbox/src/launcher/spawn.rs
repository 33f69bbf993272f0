//! Starting another process of the same binary.

use std::fs::File;
use std::io::{self, Write};
use std::io::{Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};

use rustix::fs::MemfdFlags;
use serde::de::DeserializeOwned;

use super::manifest::Manifest;
use crate::sys;

/// Variables the processes inherit; what else a user's shell has set is none of their business.
const INHERITED: &[&str] = &["RUST_BACKTRACE", "RUST_LOG", "NO_COLOR", "TERM"];

/// Starts a subcommand, which finds the record on its standard input and the descriptors under their numbers.
pub(crate) fn spawn(program: &Path, subcommand: &str, manifest: &impl Manifest) -> io::Result<Child> {
    let mut record = File::from(rustix::fs::memfd_create("hearth", MemfdFlags::CLOEXEC)?);
    record.write_all(&serde_json::to_vec(manifest)?)?;
    record.seek(SeekFrom::Start(0))?;
    let mut command = Command::new(program);
    command
        .arg0("hearth")
        .arg(subcommand)
        .stdin(record)
        // A terminal's signals are for the launcher, which passes on what is meant for the others.
        .process_group(0)
        .env_clear()
        .envs(
            INHERITED
                .iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        );
    sys::inherit(&mut command, manifest.descriptors());
    command.spawn()
}

/// Reads the record on standard input and takes its descriptors over.
pub(crate) fn read_manifest<T: DeserializeOwned>() -> io::Result<T> {
    let text = io::read_to_string(io::stdin())?;
    serde_json::from_str(&text).map_err(io::Error::other)
}
