//! `hearth layer`: what functions share.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use hearth_wire::lambda::LayersListItem;

use super::{ServerArguments, block_on};
use crate::failure::Failure;
use crate::output;
use crate::package::pack;

/// Publish and list layers, which functions share
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Publish a folder or a zip file as the next version of a layer
    Publish(Publish),
    /// List the layers
    Ls(Ls),
}

#[derive(Args)]
struct Publish {
    /// Name of the layer
    name: String,
    /// A folder, whose content appears in /opt of functions, or a zip file of one
    content: PathBuf,
    /// A description
    #[arg(long)]
    description: Option<String>,
    /// A runtime that it is meant for, such as nodejs22.x; for lists only
    #[arg(long, value_name = "RUNTIME")]
    runtime: Vec<String>,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Args)]
struct Ls {
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Publish(arguments) => publish(arguments),
        Command::Ls(arguments) => ls(arguments),
    }
}

fn publish(arguments: &Publish) -> Result<(), Failure> {
    let client = arguments.server.client()?;
    let zip = content(&arguments.content)?;
    let published = block_on(async {
        let description = arguments.description.as_deref();
        let runtimes = arguments.runtime.as_slice();
        Ok(client
            .publish_layer(&arguments.name, &zip, description, runtimes)
            .await?)
    })?;
    eprintln!("published {}: {} KiB", arguments.name, zip.len().div_ceil(1024));
    if arguments.server.json {
        output::json(&published)
    } else {
        output::line(published.layer_version_arn.unwrap_or_default())
    }
}

/// The zip file, or the folder as one.
fn content(path: &Path) -> Result<Vec<u8>, Failure> {
    if path.is_dir() {
        Ok(pack(path, |_, _| {}).map_err(Failure::usage)?.zip)
    } else {
        fs::read(path).map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))
    }
}

fn ls(arguments: &Ls) -> Result<(), Failure> {
    let client = arguments.server.client()?;
    let layers = block_on(async { Ok(client.layers().await?) })?;
    if arguments.server.json {
        return output::json(&layers);
    }
    if layers.is_empty() {
        eprintln!("no layers; publish one with `hearth layer publish NAME FOLDER`");
        return Ok(());
    }
    let header = ["NAME", "LATEST", "PUBLISHED", "ARN"].map(str::to_owned);
    let rows: Vec<_> = [header].into_iter().chain(layers.iter().map(row)).collect();
    output::table(&rows)
}

fn row(layer: &LayersListItem) -> [String; 4] {
    let latest = layer.latest_matching_version.clone().unwrap_or_default();
    [
        layer.layer_name.clone().unwrap_or_default(),
        latest.version.unwrap_or_default().to_string(),
        latest.created_date.unwrap_or_default(),
        latest.layer_version_arn.unwrap_or_default(),
    ]
}
