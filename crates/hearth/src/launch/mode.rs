//! The two ways to run a node.

use hearth_runtime::Substitutes;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::settings::{Isolation, MetricsAccess, Settings};

/// Whom a node serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// A developer on this machine, who is believed.
    Dev,
    /// Whoever proves with a signature who they are.
    Serve,
}

impl Mode {
    /// Refuses settings that this mode cannot have.
    pub(super) fn check(self, settings: &Settings) -> Result<(), Failure> {
        let elsewhere = settings.listen.iter().find(|address| !address.ip().is_loopback());
        match (self, elsewhere) {
            (Self::Dev, Some(address)) => Err(Failure::usage(format!(
                "listen cannot be {address} in dev, which believes everyone; write a loopback address, or use \
                 `hearth serve`, which verifies every request"
            ))),
            (Self::Serve, _) if settings.ephemeral => Err(Failure::usage(
                "ephemeral is for dev; serve keeps what it has acknowledged",
            )),
            (Self::Serve, _) if settings.isolation == Isolation::Process => Err(Failure::usage(
                "isolation process is no isolation: functions would run as the user who starts Hearth and could do all \
                 that user can. It is for `hearth dev` alone; use sandbox or rootless, and `hearth doctor` says what they \
                 need",
            )),
            (Self::Dev, _) if settings.isolation == Isolation::Process && settings.base_dir.is_some() => {
                Err(Failure::usage(
                    "base-dir needs a tier that isolates; with isolation process functions see the machine's own files",
                ))
            }
            _ => Ok(()),
        }
    }

    /// Who may read the metrics if nobody says so: in `serve` they name functions to strangers.
    pub(crate) fn metrics(self) -> MetricsAccess {
        match self {
            Self::Dev => MetricsAccess::Open,
            Self::Serve => MetricsAccess::Off,
        }
    }

    /// What becomes of a runtime whose version is not installed.
    pub(crate) fn substitutes(self) -> Substitutes {
        match self {
            Self::Dev => Substitutes::Nearest,
            Self::Serve => Substitutes::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening_on(address: &str) -> Settings {
        Settings {
            listen: vec!["127.0.0.1:0".parse().unwrap(), address.parse().unwrap()],
            ..Settings::default()
        }
    }

    #[test]
    fn dev_stays_on_loopback() {
        for address in ["127.0.0.1:1", "127.1.2.3:1", "[::1]:1"] {
            assert!(Mode::Dev.check(&listening_on(address)).is_ok(), "{address}");
        }
        for address in ["0.0.0.0:1", "[::]:1", "192.168.0.1:1", "[::ffff:10.0.0.1]:1"] {
            assert!(Mode::Dev.check(&listening_on(address)).is_err(), "{address}");
            assert!(Mode::Serve.check(&listening_on(address)).is_ok(), "{address}");
        }
    }

    #[test]
    fn without_isolation_there_is_only_dev() {
        let settings = Settings {
            isolation: Isolation::Process,
            ..Settings::default()
        };
        assert!(Mode::Serve.check(&settings).is_err());
        assert!(Mode::Dev.check(&settings).is_ok());
        let based = Settings {
            base_dir: Some("/base".into()),
            ..settings
        };
        assert!(Mode::Dev.check(&based).is_err());
    }

    #[test]
    fn serve_forgets_nothing() {
        let settings = Settings {
            ephemeral: true,
            ..Settings::default()
        };
        assert!(Mode::Serve.check(&settings).is_err());
        assert!(Mode::Dev.check(&settings).is_ok());
    }
}
