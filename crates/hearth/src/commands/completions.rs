//! `hearth completions`: what a shell needs to complete the commands of `hearth`.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::failure::Failure;
use crate::output;

/// What the command is called where it is installed.
const NAME: &str = "hearth";

/// Write a script that makes a shell complete hearth's commands
#[derive(Args)]
#[command(after_help = "For instance:
  hearth completions bash > ~/.local/share/bash-completion/completions/hearth
  hearth completions zsh > \"${fpath[1]}/_hearth\"
  hearth completions fish > ~/.config/fish/completions/hearth.fish")]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes the script for a command line.
pub(crate) fn run(arguments: &Arguments, line: &Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut visible(line), NAME, &mut script);
    output::bytes(&script)
}

/// The command line without the commands that only Hearth itself uses, which bash would be told of.
fn visible(line: &Command) -> Command {
    let commands = line.get_subcommands().filter(|command| !command.is_hide_set());
    Command::new(NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .subcommands(commands.cloned())
}
