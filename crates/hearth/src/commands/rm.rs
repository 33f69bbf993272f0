//! `hearth rm`: delete functions.

use clap::Args;

use super::{ServerArguments, block_on};
use crate::failure::Failure;

/// Delete functions; their logs stay until their time is over
#[derive(Args)]
pub(crate) struct Arguments {
    /// Names or ARNs of the functions
    #[arg(required = true)]
    names: Vec<String>,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let client = arguments.server.client()?;
    block_on(async {
        for name in &arguments.names {
            client.delete_function(name).await?;
            eprintln!("deleted {name}");
        }
        Ok(())
    })
}
