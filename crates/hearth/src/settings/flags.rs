//! The table of settings as command-line flags.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::load::{CONFIG_VARIABLE, Written};
use super::table::{Group, Setting, table};
use super::{Settings, SettingsError};

/// The flags of `serve`, `dev` and `doctor`: every setting that is not a client's.
#[derive(Clone, Debug)]
pub(crate) struct ServerFlags(Flags);

/// The flags of commands that talk to a server.
#[derive(Clone, Debug)]
pub(crate) struct ClientFlags(Flags);

#[derive(Clone, Debug)]
struct Flags {
    config: Option<PathBuf>,
    written: Written,
}

impl ServerFlags {
    /// The settings of this process.
    pub(crate) fn load(&self) -> Result<Settings, SettingsError> {
        self.0.load()
    }
}

impl ClientFlags {
    /// The settings of this process.
    pub(crate) fn load(&self) -> Result<Settings, SettingsError> {
        self.0.load()
    }
}

impl Flags {
    fn load(&self) -> Result<Settings, SettingsError> {
        Settings::load(self.config.as_deref(), &self.written)
    }

    fn augment(command: Command, concerns: fn(Group) -> bool) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help(format!(
                "Settings file, instead of hearth.toml here [env: {CONFIG_VARIABLE}]"
            ));
        let flags = table()
            .into_iter()
            .filter(|setting| concerns(setting.group))
            .map(|setting| flag(&setting));
        command.arg(config).args(flags)
    }

    fn from(matches: &ArgMatches, concerns: fn(Group) -> bool) -> Self {
        let written = table()
            .iter()
            .filter(|setting| concerns(setting.group))
            .filter_map(|setting| {
                let values: Vec<&String> = matches.get_many(setting.key)?.collect();
                let value = values
                    .into_iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .join(",");
                Some((setting.key.to_owned(), value))
            })
            .collect();
        Self {
            config: matches.get_one("config").cloned(),
            written,
        }
    }
}

fn flag(setting: &Setting) -> Arg {
    let default = setting.default();
    let default = if default.is_empty() {
        default
    } else {
        format!(" [default: {default}]")
    };
    let flag = Arg::new(setting.key)
        .long(setting.key)
        .value_name(setting.placeholder())
        .action(ArgAction::Append)
        .help_heading(setting.group.heading())
        .hide_short_help(setting.group != Group::Server && setting.group != Group::Client)
        .help(format!("{}{default}", setting.help));
    let flag = match setting.words() {
        [] => flag,
        words => flag
            .value_parser(ValueParser::new(Words(words)))
            .hide_possible_values(true),
    };
    match setting.key {
        "ephemeral" => flag
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        _ => flag,
    }
}

/// Words that shells complete. Any other is let through, and refused where variables and files are too.
#[derive(Clone)]
struct Words(&'static [&'static str]);

impl TypedValueParser for Words {
    type Value = String;

    fn parse_ref(&self, command: &Command, flag: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, flag, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}

fn of_server(group: Group) -> bool {
    group != Group::Client
}

fn of_client(group: Group) -> bool {
    group == Group::Client
}

/// Makes one of the sets of flags a part of a derived command line.
macro_rules! args {
    ($type:ident, $concerns:ident) => {
        impl Args for $type {
            fn augment_args(command: Command) -> Command {
                Flags::augment(command, $concerns)
            }

            fn augment_args_for_update(command: Command) -> Command {
                Self::augment_args(command)
            }
        }

        impl FromArgMatches for $type {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self(Flags::from(matches, $concerns)))
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }
    };
}
args!(ServerFlags, of_server);
args!(ClientFlags, of_client);

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Written {
        let command = ServerFlags::augment_args(Command::new("serve"));
        let matches = command
            .try_get_matches_from([&["serve"], arguments].concat())
            .unwrap();
        ServerFlags::from_arg_matches(&matches).unwrap().0.written
    }

    #[test]
    fn flags_are_the_settings() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            parse(&["--listen", "127.0.0.1:1", "--ephemeral", "--listen", "[::1]:1"]),
            [pair("listen", "127.0.0.1:1,[::1]:1"), pair("ephemeral", "true")]
        );
        assert_eq!(parse(&["--ephemeral=false"]), [pair("ephemeral", "false")]);
        assert_eq!(parse(&[]), []);
    }
}
