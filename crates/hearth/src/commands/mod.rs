//! The commands, one file each.

pub(crate) mod completions;
pub(crate) mod deploy;
pub(crate) mod dev;
pub(crate) mod doctor;
pub(crate) mod init;
pub(crate) mod invoke;
pub(crate) mod layer;
pub(crate) mod logs;
pub(crate) mod ls;
pub(crate) mod rm;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod url;
pub(crate) mod usage;

use std::path::Path;

use clap::Args;

use crate::client::{Client, Credentials, Endpoint};
use crate::failure::Failure;
use crate::settings::{ClientFlags, DATA_DIR, PROFILE};

/// What every command that talks to a server takes.
#[derive(Args)]
pub(crate) struct ServerArguments {
    #[command(flatten)]
    flags: ClientFlags,
    /// Write JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl ServerArguments {
    /// A client as the settings say.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let settings = self.flags.load()?;
        let endpoint = Endpoint::parse(&settings.endpoint).map_err(Failure::usage)?;
        let served = settings
            .data_dir
            .as_deref()
            .unwrap_or_else(|| Path::new(DATA_DIR))
            .join(PROFILE);
        let credentials =
            Credentials::find(settings.profile_file.as_deref(), &served).map_err(Failure::usage)?;
        Ok(Client::new(endpoint, settings.region, credentials))
    }
}

/// Runs a command's work to its end on this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::failed)?.block_on(work)
}
