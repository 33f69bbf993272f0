//! Brings file, environment and flags together.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::table::{ISOLATION, Setting, table};
use super::{Isolation, Settings, SettingsError};

/// The file that is read if it is there.
const FILE: &str = "hearth.toml";
/// What variables of the environment begin with.
const PREFIX: &str = "HEARTH_";
/// The variable that names the file, like `--config`.
pub(crate) const CONFIG_VARIABLE: &str = "HEARTH_CONFIG";

/// Values as they were written, by the key of their setting.
pub(crate) type Written = Vec<(String, String)>;

/// Where values were written; decides how a message names a setting.
#[derive(Clone, Copy)]
enum Source<'a> {
    File(&'a Path),
    Environment,
    Flag,
}

impl Source<'_> {
    fn name(&self, key: &str) -> String {
        match self {
            Self::File(path) => format!("{key} in {}", path.display()),
            Self::Environment => format!("{PREFIX}{}", key.replace('-', "_").to_uppercase()),
            Self::Flag => format!("--{key}"),
        }
    }

    /// A setting with its value, as one would write it again.
    fn assignment(&self, key: &str, value: &str) -> String {
        let (name, between) = match self {
            Self::File(_) => (key.to_owned(), " = "),
            Self::Environment => (self.name(key), "="),
            Self::Flag => (self.name(key), " "),
        };
        format!("{name}{between}{value}")
    }
}

impl Settings {
    /// Reads the settings of this process: `config` and `flags` are from its command line.
    pub(crate) fn load(config: Option<&Path>, flags: &Written) -> Result<Self, SettingsError> {
        let mut environment = Written::new();
        let mut named = config.map(Path::to_path_buf);
        for (name, value) in std::env::vars_os() {
            match variable(name, value)? {
                Some((name, value)) if name == CONFIG_VARIABLE => {
                    named.get_or_insert_with(|| PathBuf::from(value));
                }
                Some((name, value)) => environment.push((key_of_variable(&name), value)),
                None => {}
            }
        }
        let path = named.as_deref().unwrap_or_else(|| Path::new(FILE));
        let file = read_file(path, named.is_some())?;
        Self::layered(&[
            (Source::File(path), file),
            (Source::Environment, environment),
            (Source::Flag, flags.clone()),
        ])
    }

    /// Lays each source over the ones before it.
    fn layered(sources: &[(Source<'_>, Written)]) -> Result<Self, SettingsError> {
        let table = table();
        let mut settings = Self::default();
        for (source, written) in sources {
            for (key, value) in written {
                let Some(setting) = table.iter().find(|setting| setting.key == key) else {
                    return Err(unknown(source.name(key), *source, &table));
                };
                if !setting.set(&mut settings, value) {
                    let (name, value) = (source.name(key), value.clone());
                    return Err(SettingsError::NotAccepted {
                        name,
                        value,
                        accepts: setting.accepts(),
                    });
                }
                if setting.key == ISOLATION {
                    settings.isolation_is_chosen_by(*source, value)?;
                }
            }
        }
        settings.check()
    }

    /// Remembers what chose the isolation. A file may have come with a project, and whoever starts Hearth in a folder has
    /// not agreed to do without walls by that.
    fn isolation_is_chosen_by(&mut self, source: Source<'_>, value: &str) -> Result<(), SettingsError> {
        if let (Isolation::Process, Source::File(path)) = (self.isolation, source) {
            return Err(SettingsError::ProcessInFile {
                path: path.to_owned(),
            });
        }
        self.isolation_chosen_by = Some(source.assignment(ISOLATION, value));
        Ok(())
    }

    /// What no single value shows.
    fn check(self) -> Result<Self, SettingsError> {
        let uid = self.server_uid;
        if uid == 0 || (self.uid_range.first..=self.uid_range.last).contains(&uid) {
            return Err(SettingsError::ServerUid { uid });
        }
        if self.ephemeral && self.data_dir.is_some() {
            return Err(SettingsError::EphemeralDataDir);
        }
        Ok(self)
    }
}

fn unknown(name: String, source: Source<'_>, table: &[Setting]) -> SettingsError {
    let known = |setting: &Setting| match source {
        Source::Environment => setting.variable(),
        _ => setting.key.to_owned(),
    };
    SettingsError::Unknown {
        name,
        known: table.iter().map(known).collect::<Vec<_>>().join(", "),
    }
}

fn key_of_variable(name: &str) -> String {
    name[PREFIX.len()..].replace('_', "-").to_lowercase()
}

/// A variable as text, if it is one of Hearth's.
fn variable(name: OsString, value: OsString) -> Result<Option<(String, String)>, SettingsError> {
    let Some(name) = name
        .to_str()
        .filter(|name| name.starts_with(PREFIX))
        .map(str::to_owned)
    else {
        return Ok(None);
    };
    match value.into_string() {
        Ok(value) => Ok(Some((name, value))),
        Err(value) => {
            let value = value.to_string_lossy().into_owned();
            Err(SettingsError::NotAccepted {
                name,
                value,
                accepts: "UTF-8",
            })
        }
    }
}

/// The entries of a settings file. It may be absent unless the user named it.
fn read_file(path: &Path, named: bool) -> Result<Written, SettingsError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !named => return Ok(Written::new()),
        Err(source) => {
            return Err(SettingsError::Unreadable {
                path: path.to_owned(),
                source,
            });
        }
    };
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| SettingsError::NotToml {
            path: path.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
    Ok(table
        .into_iter()
        .map(|(key, value)| (key, as_text(value)))
        .collect())
}

/// A TOML value in the form that flags and variables have.
fn as_text(value: toml::Value) -> String {
    match value {
        toml::Value::String(text) => text,
        toml::Value::Array(items) => items.into_iter().map(as_text).collect::<Vec<_>>().join(","),
        toml::Value::Table(entries) => {
            let pair = |(name, value)| format!("{name}={}", as_text(value));
            entries.into_iter().map(pair).collect::<Vec<_>>().join(",")
        }
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(truth) => truth.to_string(),
        toml::Value::Datetime(time) => time.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn written(pairs: &[(&str, &str)]) -> Written {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn file(text: &str) -> Result<Settings, SettingsError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE);
        std::fs::write(&path, text).unwrap();
        let entries = read_file(&path, true)?;
        Settings::layered(&[(Source::File(&path), entries)])
    }

    #[test]
    fn flags_win_over_variables_and_variables_over_the_file() {
        let path = Path::new(FILE);
        let settings = Settings::layered(&[
            (
                Source::File(path),
                written(&[("keep-alive", "1s"), ("grace-period", "1s"), ("region", "a")]),
            ),
            (
                Source::Environment,
                written(&[("keep-alive", "2s"), ("grace-period", "2s")]),
            ),
            (Source::Flag, written(&[("keep-alive", "3s")])),
        ])
        .unwrap();
        assert_eq!(settings.keep_alive, Duration::from_secs(3));
        assert_eq!(settings.grace_period, Duration::from_secs(2));
        assert_eq!(settings.region.as_str(), "a");
        assert_eq!(settings.log_size, Settings::default().log_size);
    }

    #[test]
    fn the_file_takes_arrays_numbers_and_tables() {
        let settings = file(
            "listen = ['127.0.0.1:1', '[::1]:1']\nready-environments = 0\nephemeral = true\n\
             [runtimes]\n'nodejs22.x' = '/opt/node'\n",
        )
        .unwrap();
        assert_eq!(settings.listen.len(), 2);
        assert_eq!(settings.ready_environments, 0);
        assert!(settings.ephemeral);
        assert_eq!(settings.runtimes["nodejs22.x"], Path::new("/opt/node"));
    }

    #[test]
    fn messages_name_setting_value_and_what_is_accepted() {
        let error = Settings::layered(&[(Source::Environment, written(&[("keep-alive", "soon")]))]);
        let message = error.unwrap_err().to_string();
        assert!(
            message.starts_with("HEARTH_KEEP_ALIVE cannot be \"soon\"; write a time"),
            "{message}"
        );
        let error = Settings::layered(&[(Source::Environment, written(&[("keepalive", "1s")]))]);
        let message = error.unwrap_err().to_string();
        assert!(
            message.starts_with("HEARTH_KEEPALIVE is no setting; there are: HEARTH_LISTEN"),
            "{message}"
        );
        let message = file("keepalive = '1s'").unwrap_err().to_string();
        assert!(
            message.starts_with("keepalive in ") && message.contains(" is no setting"),
            "{message}"
        );
        assert!(
            file("keep-alive = ")
                .unwrap_err()
                .to_string()
                .contains("is not TOML")
        );
    }

    #[test]
    fn settings_that_exclude_each_other_are_refused() {
        for text in [
            "server-uid = 0",
            "server-uid = 1900000000",
            "ephemeral = true\ndata-dir = 'x'",
        ] {
            assert!(file(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_does_not_take_the_walls_away() {
        let message = file("isolation = 'process'").unwrap_err().to_string();
        assert!(
            message.contains("hearth.toml cannot be process") && message.contains("--isolation process"),
            "{message}"
        );
        assert_eq!(
            file("isolation = 'rootless'").unwrap().isolation,
            Isolation::Rootless
        );
        for (source, chosen_by) in [
            (Source::Environment, "HEARTH_ISOLATION=process"),
            (Source::Flag, "--isolation process"),
        ] {
            let settings = Settings::layered(&[(source, written(&[("isolation", "process")]))]).unwrap();
            assert_eq!(settings.isolation, Isolation::Process);
            assert_eq!(settings.isolation_chosen_by.as_deref(), Some(chosen_by));
        }
    }

    #[test]
    fn a_file_that_was_named_must_exist() {
        let missing = Path::new("/nonexistent/hearth.toml");
        assert!(read_file(missing, false).unwrap().is_empty());
        assert!(matches!(
            read_file(missing, true),
            Err(SettingsError::Unreadable { .. })
        ));
    }
}
