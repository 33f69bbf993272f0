//! Settings: what can be set, and where a value comes from.
//!
//! A flag wins over a `HEARTH_*` variable, which wins over `hearth.toml`, which wins over the default. All
//! three read the same [`table`], so a setting has one name, one form and one explanation everywhere.

mod error;
mod flags;
mod load;
mod table;
mod value;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use hearth_sandbox::CpuPolicy;
use hearth_types::{Region, limits};
use serde::{Deserialize, Serialize};

pub(crate) use error::SettingsError;
pub(crate) use flags::{ClientFlags, ServerFlags};
use value::Value;
pub(crate) use value::{Isolation, LogLevel, MetricsAccess, Price, Runtimes, Size, UidRange};

/// The port Hearth listens on if nobody says otherwise.
pub(crate) const PORT: u16 = 4566;
/// Where `serve` keeps its data if nobody says otherwise.
pub(crate) const DATA_DIR: &str = "/var/lib/hearth";
/// The AWS profile file in the data directory of `serve`.
pub(crate) const PROFILE: &str = "profile";

/// Every setting. The explanation of each is in [`table`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) ephemeral: bool,
    pub(crate) grace_period: Duration,
    pub(crate) log_level: LogLevel,

    pub(crate) keep_alive: Duration,
    pub(crate) ready_environments: u32,
    pub(crate) account_concurrency: u32,
    pub(crate) memory_reserve: Size,
    pub(crate) retry_delays: Vec<Duration>,
    pub(crate) stream_size: Size,
    pub(crate) stream_rate: Option<Size>,
    pub(crate) runtimes: Runtimes,
    pub(crate) dns_servers: Vec<SocketAddr>,

    pub(crate) isolation: Isolation,
    /// What chose it, as one would write it again; none if nobody did. No setting of its own.
    #[serde(skip)]
    pub(crate) isolation_chosen_by: Option<String>,
    pub(crate) cpu_policy: CpuPolicy,
    pub(crate) base_dir: Option<PathBuf>,
    pub(crate) uid_range: UidRange,
    pub(crate) server_uid: u32,

    pub(crate) log_retention: Duration,
    pub(crate) log_size: Size,
    pub(crate) log_group_size: Size,

    pub(crate) metrics: Option<MetricsAccess>,
    pub(crate) metering_size: Size,
    pub(crate) price_gb_second: Price,
    pub(crate) price_request: Price,

    pub(crate) endpoint: String,
    pub(crate) region: Region,
    pub(crate) profile_file: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, PORT))],
            data_dir: None,
            ephemeral: false,
            grace_period: Duration::from_secs(30),
            log_level: LogLevel::Info,
            keep_alive: Duration::from_secs(600),
            ready_environments: 1,
            account_concurrency: limits::CONCURRENT_EXECUTIONS,
            memory_reserve: Size(512 << 20),
            retry_delays: vec![Duration::from_secs(60), Duration::from_secs(120)],
            stream_size: Size(limits::STREAMED_RESPONSE),
            stream_rate: None,
            runtimes: Runtimes::new(),
            dns_servers: Vec::new(),
            isolation: Isolation::Auto,
            isolation_chosen_by: None,
            cpu_policy: CpuPolicy::Weight,
            base_dir: None,
            uid_range: UidRange {
                first: 1_900_000_000,
                last: 1_900_004_095,
            },
            server_uid: 1_899_999_999,
            log_retention: Duration::from_secs(7 * 86_400),
            log_size: Size(1 << 30),
            log_group_size: Size(64 << 20),
            metrics: None,
            metering_size: Size(1 << 30),
            price_gb_second: Price(0.000_016_666_7),
            price_request: Price(0.000_000_2),
            endpoint: format!("http://127.0.0.1:{PORT}"),
            region: Region::default(),
            profile_file: None,
        }
    }
}

/// Reads a time as settings write it, for flags of single commands.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    Duration::read(text).ok_or_else(|| format!("write {}", Duration::ACCEPTS))
}
