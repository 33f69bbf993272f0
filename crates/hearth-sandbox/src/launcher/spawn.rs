//! Starting another process of the same binary.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::fs::MemfdFlags;
use serde::de::DeserializeOwned;

use super::launch::Launch;
use super::manifest::Manifest;
use super::process::Process;
use crate::sys;

/// Variables the processes inherit; what else a user's shell has set is none of their business.
const INHERITED: &[&str] = &["RUST_BACKTRACE", "RUST_LOG", "NO_COLOR", "TERM"];

/// Starts a subcommand, which finds the record on its standard input and the descriptors under their numbers.
///
/// A terminal's signals are for the launcher, which passes on what is meant for the others: they have process
/// groups of their own.
pub(super) fn spawn(launch: &Launch, subcommand: &str, manifest: &impl Manifest) -> io::Result<Process> {
    let mut record = File::from(rustix::fs::memfd_create("hearth", MemfdFlags::CLOEXEC)?);
    record.write_all(&serde_json::to_vec(manifest)?)?;
    record.seek(SeekFrom::Start(0))?;
    let program = CString::new(launch.program.as_os_str().as_bytes())?;
    let arguments = [CString::from(c"hearth"), CString::new(subcommand)?];
    let variables = INHERITED.iter().filter_map(|name| {
        let value = std::env::var_os(name)?.into_vec();
        CString::new([name.as_bytes(), b"=", &value].concat()).ok()
    });
    let variables: Vec<CString> = variables.collect();
    let (pid, pidfd) = sys::spawn(
        launch.tier.namespaces(),
        &program,
        &arguments,
        &variables,
        record.as_fd(),
        &manifest.descriptors(),
    )?;
    Ok(Process::new(pid, pidfd))
}

/// Reads the record on standard input and takes its descriptors over.
pub(crate) fn read_manifest<T: DeserializeOwned>() -> io::Result<T> {
    let text = io::read_to_string(io::stdin())?;
    serde_json::from_str(&text).map_err(io::Error::other)
}
