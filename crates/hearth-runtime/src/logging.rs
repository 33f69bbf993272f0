//! In which form a function's log is written, and which of its lines are kept.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much a log line matters; the names are those of the Lambda API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// For whoever looks for a fault.
    Debug,
    /// The normal course.
    Info,
    /// May lead to an error.
    Warn,
    /// Something failed.
    Error,
    /// Nothing works any more.
    Fatal,
}

impl LogLevel {
    const ALL: [Self; 6] = [
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Warn,
        Self::Error,
        Self::Fatal,
    ];

    /// The name, such as `INFO`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }

    /// The level in the low byte of a frame's type: bits 2 to 4, from 1 for TRACE to 6 for FATAL (the log frames of
    /// AWS's runtime clients). None where the frame tells none.
    pub(crate) fn of_frame(kind: u8) -> Option<Self> {
        let number = usize::from(kind >> 2 & 0b111);
        Self::ALL.get(number.checked_sub(1)?).copied()
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no level.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a log level")]
pub struct NotALevel;

impl FromStr for LogLevel {
    type Err = NotALevel;

    /// Reads a name in any case, and the names that Python gives two of the levels.
    fn from_str(name: &str) -> Result<Self, NotALevel> {
        match name {
            _ if name.eq_ignore_ascii_case("WARNING") => Ok(Self::Warn),
            _ if name.eq_ignore_ascii_case("CRITICAL") => Ok(Self::Fatal),
            _ => {
                let named = |level: &Self| name.eq_ignore_ascii_case(level.as_str());
                Self::ALL.into_iter().find(named).ok_or(NotALevel)
            }
        }
    }
}

/// The form of a function's log. Levels exist in the JSON form only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Logging {
    /// Lines of text; all of them are kept.
    #[default]
    Text,
    /// JSON objects.
    Json {
        /// The lowest level that is kept of what the function's code writes.
        application: LogLevel,
        /// The lowest level that is kept of the platform's own lines.
        system: LogLevel,
    },
}

impl Logging {
    /// The JSON form as a function has it that names no level.
    pub const JSON: Self = Self::Json {
        application: LogLevel::Info,
        system: LogLevel::Info,
    };

    /// The lowest level of the function's own lines, where there is one.
    pub fn application(self) -> Option<LogLevel> {
        match self {
            Self::Text => None,
            Self::Json { application, .. } => Some(application),
        }
    }
}

/// The level of an unframed line: of a JSON object with a `level`, or INFO, as AWS takes an object without a valid
/// one. None for any other text, which belongs to no level and is always kept.
pub(crate) fn level_of_line(line: &str) -> Option<LogLevel> {
    #[derive(Deserialize)]
    struct Line {
        #[serde(default, alias = "log_level", alias = "logLevel", alias = "LogLevel")]
        level: serde_json::Value,
    }
    if !line.trim_start().starts_with('{') {
        return None;
    }
    let line: Line = serde_json::from_str(line).ok()?;
    let level = line.level.as_str().and_then(|level| level.parse().ok());
    Some(level.unwrap_or(LogLevel::Info))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case() {
        for level in LogLevel::ALL {
            assert_eq!(level.as_str().to_lowercase().parse(), Ok(level));
        }
        assert_eq!("warning".parse(), Ok(LogLevel::Warn));
        assert_eq!("CRITICAL".parse(), Ok(LogLevel::Fatal));
        assert_eq!("loud".parse::<LogLevel>(), Err(NotALevel));
        assert!(LogLevel::Trace < LogLevel::Debug && LogLevel::Error < LogLevel::Fatal);
    }

    #[test]
    fn frames_tell_their_level() {
        assert_eq!(LogLevel::of_frame(0x03), None);
        assert_eq!(LogLevel::of_frame(0x07), Some(LogLevel::Trace));
        assert_eq!(LogLevel::of_frame(0x0e), Some(LogLevel::Info));
        assert_eq!(LogLevel::of_frame(0x1a), Some(LogLevel::Fatal));
        assert_eq!(LogLevel::of_frame(0x1f), None);
    }

    #[test]
    fn objects_have_a_level_and_other_text_has_none() {
        assert_eq!(
            level_of_line(r#"{"level":"debug","message":"m"}"#),
            Some(LogLevel::Debug)
        );
        assert_eq!(level_of_line(r#"{"message":"m"}"#), Some(LogLevel::Info));
        assert_eq!(level_of_line(r#"{"level":7}"#), Some(LogLevel::Info));
        for text in ["plain", "{not json", "[1]", ""] {
            assert_eq!(level_of_line(text), None, "{text}");
        }
    }
}
