//! `LoggingConfig`: the form of a function's log, the levels that are kept, and the group.

use hearth_runtime::{LogLevel, Logging};
use hearth_wire::lambda::{ApplicationLogLevel, LogFormat, LoggingConfig, SystemLogLevel};

use crate::settings::Settings;

/// Levels were given to a log of text, which has none.
#[derive(Debug, thiserror::Error)]
#[error(
    "LogLevel is not supported when LogFormat is set to \"Text\". Remove LogLevel from your request or change the \
     LogFormat to \"JSON\" and try again."
)]
pub(crate) struct LevelOfText;

/// Applies what a request names and keeps the rest. Levels that were never given are INFO; a log that becomes text
/// forgets its levels.
pub(crate) fn apply(settings: &mut Settings, change: LoggingConfig) -> Result<(), LevelOfText> {
    let json = match change.log_format {
        Some(format) => format == LogFormat::Json,
        None => settings.logging != Logging::Text,
    };
    let levels = (change.application_log_level, change.system_log_level);
    settings.logging = match (json, settings.logging) {
        (false, _) if levels != (None, None) => return Err(LevelOfText),
        (false, _) => Logging::Text,
        (true, Logging::Text) => with_levels(LogLevel::Info, LogLevel::Info, levels),
        (true, Logging::Json { application, system }) => with_levels(application, system, levels),
    };
    if let Some(group) = change.log_group {
        settings.log_group = group;
    }
    Ok(())
}

fn with_levels(
    application: LogLevel,
    system: LogLevel,
    (new_application, new_system): (Option<ApplicationLogLevel>, Option<SystemLogLevel>),
) -> Logging {
    Logging::Json {
        application: new_application.map_or(application, of_application),
        system: new_system.map_or(system, of_system),
    }
}

/// As the API shows it: levels in the JSON form only.
pub(crate) fn show(settings: &Settings) -> LoggingConfig {
    let log_group = Some(settings.log_group.clone());
    match settings.logging {
        Logging::Text => LoggingConfig {
            log_format: Some(LogFormat::Text),
            log_group,
            ..LoggingConfig::default()
        },
        Logging::Json { application, system } => LoggingConfig {
            log_format: Some(LogFormat::Json),
            application_log_level: Some(show_application(application)),
            system_log_level: Some(show_system(system)),
            log_group,
        },
    }
}

fn of_application(level: ApplicationLogLevel) -> LogLevel {
    match level {
        ApplicationLogLevel::Trace => LogLevel::Trace,
        ApplicationLogLevel::Debug => LogLevel::Debug,
        ApplicationLogLevel::Info => LogLevel::Info,
        ApplicationLogLevel::Warn => LogLevel::Warn,
        ApplicationLogLevel::Error => LogLevel::Error,
        ApplicationLogLevel::Fatal => LogLevel::Fatal,
    }
}

fn show_application(level: LogLevel) -> ApplicationLogLevel {
    match level {
        LogLevel::Trace => ApplicationLogLevel::Trace,
        LogLevel::Debug => ApplicationLogLevel::Debug,
        LogLevel::Info => ApplicationLogLevel::Info,
        LogLevel::Warn => ApplicationLogLevel::Warn,
        LogLevel::Error => ApplicationLogLevel::Error,
        LogLevel::Fatal => ApplicationLogLevel::Fatal,
    }
}

fn of_system(level: SystemLogLevel) -> LogLevel {
    match level {
        SystemLogLevel::Debug => LogLevel::Debug,
        SystemLogLevel::Info => LogLevel::Info,
        SystemLogLevel::Warn => LogLevel::Warn,
    }
}

/// The platform's lines have three levels; what is not one of them cannot have been set.
fn show_system(level: LogLevel) -> SystemLogLevel {
    match level {
        LogLevel::Trace | LogLevel::Debug => SystemLogLevel::Debug,
        LogLevel::Info => SystemLogLevel::Info,
        LogLevel::Warn | LogLevel::Error | LogLevel::Fatal => SystemLogLevel::Warn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json() -> LoggingConfig {
        LoggingConfig {
            log_format: Some(LogFormat::Json),
            ..LoggingConfig::default()
        }
    }

    #[test]
    fn levels_are_kept_until_they_change_or_the_log_becomes_text() {
        let mut settings = Settings::for_new("f");
        apply(&mut settings, json()).unwrap();
        assert_eq!(settings.logging, Logging::JSON);
        let change = LoggingConfig {
            application_log_level: Some(ApplicationLogLevel::Debug),
            ..LoggingConfig::default()
        };
        apply(&mut settings, change).unwrap();
        apply(&mut settings, json()).unwrap();
        let shown = show(&settings);
        assert_eq!(shown.application_log_level, Some(ApplicationLogLevel::Debug));
        assert_eq!(shown.system_log_level, Some(SystemLogLevel::Info));
        let text = LoggingConfig {
            log_format: Some(LogFormat::Text),
            log_group: Some("shared".into()),
            ..LoggingConfig::default()
        };
        apply(&mut settings, text).unwrap();
        assert_eq!(show(&settings).application_log_level, None);
        assert_eq!(settings.log_group, "shared");
        apply(&mut settings, json()).unwrap();
        assert_eq!(settings.logging, Logging::JSON);
    }

    #[test]
    fn a_log_of_text_has_no_levels() {
        let mut settings = Settings::for_new("f");
        let change = LoggingConfig {
            system_log_level: Some(SystemLogLevel::Warn),
            log_group: Some("other".into()),
            ..LoggingConfig::default()
        };
        assert!(apply(&mut settings, change).is_err());
        assert_eq!(settings.log_group, "/aws/lambda/f");
    }
}
