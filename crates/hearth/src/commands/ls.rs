//! `hearth ls`: which functions there are.

use clap::Args;
use hearth_wire::lambda::FunctionConfiguration;

use super::{ServerArguments, block_on};
use crate::failure::Failure;
use crate::output;

/// List the functions
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let client = arguments.server.client()?;
    let functions = block_on(async { Ok(client.functions().await?) })?;
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

fn row(function: &FunctionConfiguration) -> [String; 6] {
    let kib = function
        .code_size
        .unwrap_or_default()
        .unsigned_abs()
        .div_ceil(1024);
    [
        function.function_name.clone().unwrap_or_default(),
        function.runtime.clone().unwrap_or_default(),
        format!("{} MB", function.memory_size.unwrap_or_default()),
        format!("{} s", function.timeout.unwrap_or_default()),
        format!("{kib} KiB"),
        function.last_modified.clone().unwrap_or_default(),
    ]
}
