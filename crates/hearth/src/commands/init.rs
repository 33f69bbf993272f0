//! `hearth init`: a small function to begin with.

use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;
use crate::output;
use crate::template::{Template, write};

/// Write a small function into a folder, to begin with
#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder; it is made if it is not there
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The language
    #[arg(long, value_enum)]
    template: Template,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { folder, template } = arguments;
    for file in write(folder, *template).map_err(Failure::usage)? {
        output::line(folder.join(file).display())?;
    }
    let shown = folder.display();
    let build = template.build();
    let build = build.map_or_else(String::new, |command| format!("  (cd {shown} && {command})\n"));
    eprintln!("next:\n{build}  hearth dev {shown}");
    Ok(())
}
