//! Hearth: a serverless platform in one binary.
//!
//! `hearth serve` and `hearth dev` start a server; every other command is a client of one.
#![forbid(unsafe_code)]

mod cli;
mod client;
mod commands;
mod deploy;
mod failure;
mod launch;
mod missing;
mod output;
mod package;
mod project;
mod server;
mod settings;
mod template;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
