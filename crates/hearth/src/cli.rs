//! The command line.

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use hearth_sandbox::launcher;

use crate::commands::{
    completions, deploy, dev, doctor, init, invoke, layer, logs, ls, rm, serve, show, url, usage,
};
use crate::failure::{EXIT_CODES, Exit, Failure};
use crate::server;

/// A serverless platform in one binary: it runs Lambda functions in sandboxes and speaks AWS's APIs
#[derive(Parser)]
#[command(name = "hearth", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Dev(dev::Arguments),
    Init(init::Arguments),
    Deploy(deploy::Arguments),
    Invoke(invoke::Arguments),
    Url(url::Arguments),
    Logs(logs::Arguments),
    Usage(usage::Arguments),
    Layer(layer::Arguments),
    Ls(ls::Arguments),
    Show(show::Arguments),
    Rm(rm::Arguments),
    Doctor(doctor::Arguments),
    Completions(completions::Arguments),
    #[command(name = launcher::WARDEN_COMMAND, hide = true)]
    Warden,
    #[command(name = launcher::SERVER_COMMAND, hide = true)]
    Server,
}

/// Does what the command line asks for.
pub(crate) fn run() -> ExitCode {
    let command = match CommandLine::try_parse() {
        Ok(line) => line.command,
        Err(error) => return refuse(&error),
    };
    let ended = match command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Dev(arguments) => dev::run(&arguments),
        Command::Init(arguments) => done(init::run(&arguments)),
        Command::Deploy(arguments) => done(deploy::run(arguments)),
        Command::Invoke(arguments) => done(invoke::run(&arguments)),
        Command::Url(arguments) => done(url::run(&arguments)),
        Command::Logs(arguments) => done(logs::run(&arguments)),
        Command::Usage(arguments) => done(usage::run(&arguments)),
        Command::Layer(arguments) => done(layer::run(&arguments)),
        Command::Ls(arguments) => done(ls::run(&arguments)),
        Command::Show(arguments) => done(show::run(&arguments)),
        Command::Rm(arguments) => done(rm::run(&arguments)),
        Command::Doctor(arguments) => done(doctor::run(&arguments)),
        Command::Completions(arguments) => done(completions::run(&arguments, &CommandLine::command())),
        Command::Warden => Ok(hearth_sandbox::warden::main()),
        Command::Server => done(server::run()),
    };
    ended.unwrap_or_else(|failure| failure.report())
}

fn done(ended: Result<(), Failure>) -> Result<ExitCode, Failure> {
    ended.map(|()| ExitCode::SUCCESS)
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
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
