//! `hearth serve`: a server that verifies every request and keeps what it has acknowledged.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use crate::failure::Failure;
use crate::launch::{Mode, launch};
use crate::settings::{DATA_DIR, ServerFlags};

/// Start a server for production: every request is verified (SigV4)
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    flags: ServerFlags,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let settings = arguments.flags.load()?;
    let data = settings
        .data_dir
        .clone()
        .unwrap_or_else(|| Path::new(DATA_DIR).to_owned());
    let node = launch(Mode::Serve, settings, &data, Vec::new())?;
    node.wait()
}
