//! How a command ends that could not do what it was asked.

use std::fmt;
use std::process::ExitCode;

use crate::client::ClientError;
use crate::deploy::DeployError;
use crate::package::PackageError;
use crate::project::ProjectError;
use crate::settings::SettingsError;

/// What the process's exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The operation or the function failed.
    Failed = 1,
    /// The command line or the settings are wrong (EX_USAGE of sysexits.h).
    Usage = 64,
    /// There is no server, or this machine lacks what one needs (EX_UNAVAILABLE).
    Unavailable = 69,
    /// A part of the server ended that should not have (EX_SOFTWARE).
    Broken = 70,
}

/// The exit codes, for `--help`.
pub(crate) const EXIT_CODES: &str = "Exit codes:
  0   done
  1   the operation failed, or the invoked function did
  64  the command line or a setting is wrong
  69  no server is reachable, or this machine lacks what one needs
  70  a part of the server ended that should not have";

/// Why a command ends early.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// `None` if everything has been said.
    message: Option<String>,
}

impl Failure {
    pub(crate) fn failed(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Failed,
            message: Some(message.to_string()),
        }
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Usage,
            message: Some(message.to_string()),
        }
    }

    pub(crate) fn unavailable(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Unavailable,
            message: Some(message.to_string()),
        }
    }

    pub(crate) fn broken(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Broken,
            message: Some(message.to_string()),
        }
    }

    /// Ends with this exit code and says nothing more.
    pub(crate) fn silent(exit: Exit) -> Self {
        Self { exit, message: None }
    }

    /// Tells the user and gives the process's exit code.
    pub(crate) fn report(&self) -> ExitCode {
        if let Some(message) = &self.message {
            eprintln!("error: {message}");
        }
        ExitCode::from(self.exit as u8)
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::usage(error)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NoServer { .. } | ClientError::Connection { .. } => Self::unavailable(error),
            ClientError::Answer { ref code, .. } if code == "UnrecognizedClientException" => Self::failed(
                format!("{error}; name the profile file that `hearth serve` wrote with --profile-file"),
            ),
            _ => Self::failed(error),
        }
    }
}

impl From<ProjectError> for Failure {
    fn from(error: ProjectError) -> Self {
        Self::failed(error)
    }
}

impl From<PackageError> for Failure {
    fn from(error: PackageError) -> Self {
        Self::failed(error)
    }
}

impl From<DeployError> for Failure {
    fn from(error: DeployError) -> Self {
        match error {
            DeployError::Client(error) => error.into(),
            _ => Self::failed(error),
        }
    }
}
