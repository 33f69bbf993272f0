//! The command line.

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::commands::{deploy, invoke, logs, ls, rm, show};
use crate::failure::{EXIT_CODES, Exit};

/// A serverless platform in one binary: it runs Lambda functions in sandboxes and speaks AWS's APIs
#[derive(Parser)]
#[command(name = "hearth", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Deploy(deploy::Arguments),
    Invoke(invoke::Arguments),
    Logs(logs::Arguments),
    Ls(ls::Arguments),
    Show(show::Arguments),
    Rm(rm::Arguments),
}

/// Does what the command line asks for.
pub(crate) fn run() -> ExitCode {
    let command = match CommandLine::try_parse() {
        Ok(line) => line.command,
        Err(error) => return refuse(&error),
    };
    let done = match command {
        Command::Deploy(arguments) => deploy::run(arguments),
        Command::Invoke(arguments) => invoke::run(&arguments),
        Command::Logs(arguments) => logs::run(&arguments),
        Command::Ls(arguments) => ls::run(&arguments),
        Command::Show(arguments) => show::run(&arguments),
        Command::Rm(arguments) => rm::run(&arguments),
    };
    done.map_or_else(|failure| failure.report(), |()| ExitCode::SUCCESS)
}

/// Prints what clap has to say: help and version are no errors.
fn refuse(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(Exit::Usage as u8),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
