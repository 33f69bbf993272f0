//! What functions used, by function, version or hour, and what it costs.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, SystemTime};

use hearth_types::{FunctionName, Qualifier, Scope};
use serde::{Deserialize, Serialize};

use crate::partition::Grain;
use crate::series::{Minute, SeriesKey, minute};
use crate::{Bucket, Metering};

/// Where a server tells what functions used.
pub const USAGE_PATH: &str = "/_hearth/usage";

/// What things cost, in any currency.
#[derive(Clone, Copy, Debug)]
pub struct Prices {
    /// A GB of memory for a second.
    pub gb_second: f64,
    /// An invocation.
    pub request: f64,
}

/// What is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageBy {
    /// Functions.
    Function,
    /// Functions and their versions.
    Version,
    /// Hours.
    Hour,
}

impl UsageBy {
    const ALL: [Self; 3] = [Self::Function, Self::Version, Self::Hour];

    /// As a query names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Version => "version",
            Self::Hour => "hour",
        }
    }

    /// Reads what a query names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == text)
    }
}

/// A line of the bill.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// The function, where functions are told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The version that ran, where versions are told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When the hour begins, in seconds since the Unix epoch, where hours are told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hour: Option<u64>,
    /// Invocations that ran.
    pub requests: u64,
    /// Of them, those that failed.
    pub errors: u64,
    /// Invocations that were refused.
    pub throttles: u64,
    /// Invocations that an environment was started for.
    pub cold_starts: u64,
    /// What is billed, in GB × s. That for inits is part of it.
    pub gb_seconds: f64,
    /// The part for inits.
    pub init_gb_seconds: f64,
    /// CPU time, in seconds.
    pub cpu_seconds: f64,
    /// By the price table.
    pub cost: f64,
}

impl Usage {
    fn of(bucket: &Bucket, prices: Prices) -> Self {
        let requests = bucket.invocations();
        let billed = gb_seconds(bucket.billed_mb_ms);
        Self {
            requests,
            errors: bucket.errors,
            throttles: bucket.throttles,
            cold_starts: bucket.cold_starts,
            gb_seconds: billed,
            init_gb_seconds: gb_seconds(bucket.init_mb_ms),
            cpu_seconds: Duration::from_micros(bucket.cpu_us).as_secs_f64(),
            cost: billed * prices.gb_second + requests as f64 * prices.request,
            ..Self::default()
        }
    }
}

/// A GB has 1024 MB here, as on AWS's bills.
fn gb_seconds(mb_ms: u128) -> f64 {
    mb_ms as f64 / 1024.0 / 1000.0
}

type Row = (Option<FunctionName>, Option<Qualifier>, Option<Minute>);

impl Metering {
    /// What the functions of an account in a region used since a time, counted from the beginning of its hour. Sorted by
    /// what is told apart. Reads files.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn usage(
        &self,
        scope: &Scope,
        since: SystemTime,
        by: UsageBy,
        prices: Prices,
    ) -> io::Result<Vec<Usage>> {
        let mut rows: BTreeMap<Row, Bucket> = BTreeMap::new();
        let of_scope = |key: &SeriesKey| key.scope == *scope;
        self.visit(
            Grain::Hours,
            minute(since)..Minute::MAX,
            of_scope,
            |hour, key, bucket| {
                let function = || Some(key.function.clone());
                let row = match by {
                    UsageBy::Function => (function(), None, None),
                    UsageBy::Version => (function(), Some(key.version.clone()), None),
                    UsageBy::Hour => (None, None, Some(hour)),
                };
                rows.entry(row).or_default().merge(bucket);
            },
        )?;
        // Events that wait have used nothing yet.
        rows.retain(|_, bucket| bucket.invocations() + bucket.throttles + bucket.cpu_us > 0);
        let rows = rows.into_iter().map(|((function, version, hour), bucket)| Usage {
            function: function.map(|function| function.to_string()),
            version: version.map(|version| version.to_string()),
            hour: hour.map(|hour| u64::from(hour) * 60),
            ..Usage::of(&bucket, prices)
        });
        Ok(rows.collect())
    }
}

#[cfg(test)]
mod tests {
    use hearth_engine::{Conclusion, InvocationRecord, Meter, Running};
    use hearth_types::FunctionArn;

    use std::time::UNIX_EPOCH;

    use super::*;

    const PRICES: Prices = Prices {
        gb_second: 2.0,
        request: 1.0,
    };

    fn record(second: u64, memory_mb: u32, millis: u64, init: Option<u64>) -> InvocationRecord {
        InvocationRecord {
            began: UNIX_EPOCH + Duration::from_secs(second),
            conclusion: Conclusion::Success,
            duration: Duration::from_millis(millis),
            init: init.map(Duration::from_millis),
            cold: init.is_some(),
            waited: Duration::ZERO,
            memory_mb,
            max_memory_mb: 20,
            bytes_in: 0,
            bytes_out: 0,
            running: Running::default(),
        }
    }

    fn arn(name: &str) -> FunctionArn {
        FunctionArn::new(Scope::default(), FunctionName::parse(name).unwrap())
    }

    fn usage(metering: &Metering, by: UsageBy) -> Vec<Usage> {
        metering.usage(&Scope::default(), UNIX_EPOCH, by, PRICES).unwrap()
    }

    /// AWS's example: 128 MB for 100 ms are 0.0125 GB-seconds.
    #[test]
    fn gb_seconds_are_memory_times_billed_time() {
        let metering = Metering::default();
        let counter = metering.function(&arn("f"), &Qualifier::Latest);
        for _ in 0..1000 {
            counter.invoked(None, &record(0, 128, 100, None));
        }
        let usage = &usage(&metering, UsageBy::Function)[0];
        assert_eq!(
            (usage.requests, usage.gb_seconds, usage.cost),
            (1000, 12.5, 1025.0)
        );
    }

    #[test]
    fn an_init_is_billed_and_told_apart() {
        let metering = Metering::default();
        let counter = metering.function(&arn("f"), &Qualifier::Latest);
        counter.invoked(None, &record(0, 1024, 1000, Some(500)));
        let usage = &usage(&metering, UsageBy::Function)[0];
        assert_eq!((usage.gb_seconds, usage.init_gb_seconds), (1.5, 0.5));
        assert_eq!(usage.cold_starts, 1);
    }

    #[test]
    fn what_is_refused_costs_nothing() {
        let metering = Metering::default();
        metering.function(&arn("f"), &Qualifier::Latest).throttled(None);
        let usage = &usage(&metering, UsageBy::Function)[0];
        assert_eq!((usage.throttles, usage.requests, usage.cost), (1, 0, 0.0));
    }

    #[test]
    fn rows_are_what_is_asked_for() {
        let metering = Metering::default();
        for (name, version, second) in [("a", 1, 0), ("a", 2, 3600), ("b", 1, 3601)] {
            let counter = metering.function(&arn(name), &Qualifier::Version(version));
            counter.invoked(Some("live"), &record(second, 128, 1, None));
            counter.invoked(None, &record(second, 128, 1, None));
        }
        let rows = |by| {
            let named = |usage: Usage| (usage.function, usage.version, usage.hour, usage.requests);
            usage(&metering, by).into_iter().map(named).collect::<Vec<_>>()
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            rows(UsageBy::Function),
            [(text("a"), None, None, 4), (text("b"), None, None, 2)]
        );
        assert_eq!(
            rows(UsageBy::Version),
            [
                (text("a"), text("1"), None, 2),
                (text("a"), text("2"), None, 2),
                (text("b"), text("1"), None, 2),
            ]
        );
        assert_eq!(
            rows(UsageBy::Hour),
            [(None, None, Some(0), 2), (None, None, Some(3600), 4)]
        );
    }
}
