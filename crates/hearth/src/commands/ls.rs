//! `hearth ls`: which functions there are.

use clap::Args;
use hearth_wire::lambda::FunctionConfiguration;

use super::{ServerArguments, block_on};
use crate::failure::Failure;
use crate::output;

/// List the functions
#[derive(Args)]
pub(crate) struct Arguments {
    /// List published versions as well
    #[arg(long)]
    versions: bool,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let client = arguments.server.client()?;
    let functions = block_on(async { Ok(client.functions(arguments.versions).await?) })?;
    if arguments.server.json {
        return output::json(&functions);
    }
    if functions.is_empty() {
        eprintln!("no functions; deploy one with `hearth deploy FOLDER`");
        return Ok(());
    }
    let header = ["NAME", "RUNTIME", "MEMORY", "TIMEOUT", "CODE", "MODIFIED"].map(str::to_owned);
    let rows: Vec<_> = [header].into_iter().chain(functions.iter().map(row)).collect();
    output::table(&rows)
}

/// The name, with the number of a version behind it.
fn name(function: &FunctionConfiguration) -> String {
    let name = function.function_name.as_deref().unwrap_or_default();
    match function.version.as_deref() {
        None | Some("$LATEST") => name.to_owned(),
        Some(version) => format!("{name}:{version}"),
    }
}

fn row(function: &FunctionConfiguration) -> [String; 6] {
    let kib = function
        .code_size
        .unwrap_or_default()
        .unsigned_abs()
        .div_ceil(1024);
    [
        name(function),
        function.runtime.clone().unwrap_or_default(),
        format!("{} MB", function.memory_size.unwrap_or_default()),
        format!("{} s", function.timeout.unwrap_or_default()),
        format!("{kib} KiB"),
        function.last_modified.clone().unwrap_or_default(),
    ]
}
