//! What was counted, as CloudWatch's metrics of the namespace `AWS/Lambda`.
//!
//! [`Metering::metrics`] lists them, [`Metering::statistics`] reads one. Both see everything that ended before.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hearth_types::{FunctionName, Qualifier, Scope};

use crate::distribution::Gauge;
use crate::partition::Grain;
use crate::series::{Minute, SeriesKey, minute};
use crate::{Bucket, Distribution, Metering};

/// The namespace of all metrics here.
pub const NAMESPACE: &str = "AWS/Lambda";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MetricName {
    /// Events that were accepted for asynchronous invocation.
    AsyncEventsReceived,
    /// Of them, those that were given up.
    AsyncEventsDropped,
    /// How old they were when an attempt at them began.
    AsyncEventAge,
    /// Invocations that ran at the same time.
    ConcurrentExecutions,
    /// How long invocations took.
    Duration,
    /// Invocations that failed.
    Errors,
    /// Invocations that ran.
    Invocations,
    /// Invocations that were refused.
    Throttles,
    /// Invocations of functions without reserved concurrency that ran at the same time.
    UnreservedConcurrentExecutions,
}

/// In what a metric is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Thousandths of a second.
    Milliseconds,
}

impl Unit {
    /// CloudWatch's name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
        }
    }
}

impl MetricName {
    /// All there are, by name.
    pub const ALL: [Self; 9] = [
        Self::AsyncEventAge,
        Self::AsyncEventsDropped,
        Self::AsyncEventsReceived,
        Self::ConcurrentExecutions,
        Self::Duration,
        Self::Errors,
        Self::Invocations,
        Self::Throttles,
        Self::UnreservedConcurrentExecutions,
    ];

    /// CloudWatch's name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AsyncEventAge => "AsyncEventAge",
            Self::AsyncEventsDropped => "AsyncEventsDropped",
            Self::AsyncEventsReceived => "AsyncEventsReceived",
            Self::ConcurrentExecutions => "ConcurrentExecutions",
            Self::Duration => "Duration",
            Self::Errors => "Errors",
            Self::Invocations => "Invocations",
            Self::Throttles => "Throttles",
            Self::UnreservedConcurrentExecutions => "UnreservedConcurrentExecutions",
        }
    }

    /// In what it is measured.
    pub fn unit(self) -> Unit {
        match self {
            Self::AsyncEventAge | Self::Duration => Unit::Milliseconds,
            _ => Unit::Count,
        }
    }

    /// Whether it exists for these dimensions.
    fn exists_for(self, dimensions: &Dimensions) -> bool {
        match self {
            Self::ConcurrentExecutions => {
                matches!(dimensions, Dimensions::Account | Dimensions::Function { .. })
            }
            Self::UnreservedConcurrentExecutions => *dimensions == Dimensions::Account,
            // Nobody knows before it runs which version an alias will come to.
            Self::AsyncEventAge | Self::AsyncEventsDropped | Self::AsyncEventsReceived => {
                !matches!(dimensions, Dimensions::ExecutedVersion { .. })
            }
            Self::Duration | Self::Errors | Self::Invocations | Self::Throttles => true,
        }
    }

    /// What a bucket holds of it, if anything.
    fn of(self, bucket: &Bucket, dimensions: &Dimensions) -> Option<Statistics> {
        let attempts = bucket.invocations() + bucket.throttles;
        match self {
            Self::AsyncEventAge => Statistics::of_micros(&bucket.event_age),
            Self::AsyncEventsDropped => Statistics::of_ones(bucket.events_dropped, bucket.events_dropped),
            Self::AsyncEventsReceived => Statistics::of_ones(bucket.events_received, bucket.events_received),
            Self::ConcurrentExecutions if *dimensions == Dimensions::Account => {
                Statistics::of_gauge(&bucket.account_concurrency)
            }
            Self::ConcurrentExecutions => Statistics::of_gauge(&bucket.concurrency),
            Self::Duration => Statistics::of_micros(&bucket.duration),
            Self::Errors => Statistics::of_ones(bucket.errors, bucket.invocations()),
            Self::Invocations => Statistics::of_ones(bucket.invocations(), bucket.invocations()),
            Self::Throttles => Statistics::of_ones(bucket.throttles, attempts),
            Self::UnreservedConcurrentExecutions => Statistics::of_gauge(&bucket.unreserved_concurrency),
        }
    }
}

/// Of what a metric is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dimensions {
    /// Of all functions of the account in the region: no dimension.
    Account,
    /// `FunctionName`: of a function, whatever it was invoked by.
    Function {
        /// The function.
        name: FunctionName,
    },
    /// `FunctionName` and `Resource`, which is `name:qualifier`: of what was invoked by that version or alias.
    Resource {
        /// The function.
        name: FunctionName,
        /// The version or alias.
        qualifier: Qualifier,
    },
    /// `FunctionName`, `Resource` and `ExecutedVersion`: the same, as far as that version ran.
    ExecutedVersion {
        /// The function.
        name: FunctionName,
        /// The version or alias.
        qualifier: Qualifier,
        /// The version that ran.
        version: Qualifier,
    },
}

impl Dimensions {
    /// All that counts of a series belong to.
    fn of(key: &SeriesKey) -> impl Iterator<Item = Self> {
        let name = || key.function.clone();
        let function = Self::Function { name: name() };
        let qualified = key.qualifier.clone().map(|qualifier| {
            let resource = Self::Resource {
                name: name(),
                qualifier: qualifier.clone(),
            };
            // CloudWatch has it for aliases, which can come to several versions.
            let executed = matches!(qualifier, Qualifier::Alias(_)).then(|| Self::ExecutedVersion {
                name: name(),
                qualifier,
                version: key.version.clone(),
            });
            [Some(resource), executed].into_iter().flatten()
        });
        [Self::Account, function]
            .into_iter()
            .chain(qualified.into_iter().flatten())
    }

    /// Whether counts of a series belong to it.
    fn hold(&self, key: &SeriesKey) -> bool {
        match self {
            Self::Account => true,
            Self::Function { name } => *name == key.function,
            Self::Resource { name, qualifier } => {
                *name == key.function && Some(qualifier) == key.qualifier.as_ref()
            }
            Self::ExecutedVersion {
                name,
                qualifier,
                version,
            } => {
                *name == key.function && Some(qualifier) == key.qualifier.as_ref() && *version == key.version
            }
        }
    }

    /// Its dimensions by CloudWatch's names, in its order.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let resource = |name, qualifier| ("Resource", format!("{name}:{qualifier}"));
        match self {
            Self::Account => Vec::new(),
            Self::Function { name } => vec![("FunctionName", name.to_string())],
            Self::Resource { name, qualifier } => {
                vec![("FunctionName", name.to_string()), resource(name, qualifier)]
            }
            Self::ExecutedVersion {
                name,
                qualifier,
                version,
            } => vec![
                ("FunctionName", name.to_string()),
                resource(name, qualifier),
                ("ExecutedVersion", version.to_string()),
            ],
        }
    }
}

/// A metric of something.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Metric {
    /// What.
    pub name: MetricName,
    /// Of what.
    pub dimensions: Dimensions,
}

/// What was seen of a metric in one period.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// How many values there were; at least 1.
    pub sample_count: f64,
    /// Their sum.
    pub sum: f64,
    /// The smallest.
    pub minimum: f64,
    /// The largest.
    pub maximum: f64,
    sizes: Sizes,
}

/// What is known of the sizes of values.
#[derive(Clone, Debug, PartialEq)]
enum Sizes {
    /// Their histogram, in microseconds; the metric is in milliseconds.
    Micros(Distribution),
    /// Each is 0 or 1.
    Ones,
    /// No more than the extremes.
    Unknown,
}

impl Statistics {
    fn of_micros(values: &Distribution) -> Option<Self> {
        let millis = |micros: u64| micros as f64 / 1000.0;
        (values.count > 0).then(|| Self {
            sample_count: values.count as f64,
            sum: millis(values.sum),
            minimum: millis(values.min),
            maximum: millis(values.max),
            sizes: Sizes::Micros(values.clone()),
        })
    }

    /// So many ones among so many values, of which the others are zeroes.
    fn of_ones(ones: u64, all: u64) -> Option<Self> {
        (all > 0).then_some(Self {
            sample_count: all as f64,
            sum: ones as f64,
            minimum: if ones == all { 1.0 } else { 0.0 },
            maximum: if ones > 0 { 1.0 } else { 0.0 },
            sizes: Sizes::Ones,
        })
    }

    fn of_gauge(values: &Gauge) -> Option<Self> {
        (values.count > 0).then_some(Self {
            sample_count: values.count as f64,
            sum: values.sum as f64,
            minimum: values.min as f64,
            maximum: values.max as f64,
            sizes: Sizes::Unknown,
        })
    }

    /// The mean.
    pub fn average(&self) -> f64 {
        self.sum / self.sample_count
    }

    /// The value that so many percent (0 to 100) of all are not above, to 2.5 %. `None` where only the extremes are
    /// known, as of concurrency.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        match &self.sizes {
            Sizes::Micros(values) => values.quantile(percent / 100.0).map(|micros| micros / 1000.0),
            Sizes::Ones => {
                let zeroes = self.sample_count - self.sum;
                let rank = (percent / 100.0 * self.sample_count).ceil().max(1.0);
                Some(if rank > zeroes { 1.0 } else { 0.0 })
            }
            Sizes::Unknown => None,
        }
    }
}

/// A period and what was seen in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// When the period begins.
    pub start: SystemTime,
    /// What was seen.
    pub statistics: Statistics,
}

impl Metering {
    /// The metrics of an account in a region of which there are values since a time (to the hour), sorted. Reads files.
    ///
    /// # Errors
    /// When files cannot be read.
    pub fn metrics(&self, scope: &Scope, since: SystemTime) -> io::Result<Vec<Metric>> {
        let mut found = BTreeSet::new();
        let of_scope = |key: &SeriesKey| key.scope == *scope;
        self.visit(
            Grain::Hours,
            minute(since)..Minute::MAX,
            of_scope,
            |_, key, bucket| {
                for dimensions in Dimensions::of(key) {
                    let has = |name: &MetricName| {
                        name.exists_for(&dimensions) && name.of(bucket, &dimensions).is_some()
                    };
                    let names = MetricName::ALL.into_iter().filter(has);
                    let metrics = names.map(|name| Metric {
                        name,
                        dimensions: dimensions.clone(),
                    });
                    found.extend(metrics);
                }
            },
        )?;
        Ok(found.into_iter().collect())
    }

    /// What was seen of a metric, by periods of so many seconds (a multiple of 60), oldest first; periods without values
    /// are left out. The first period begins with the minute in which the range does, whatever its length, as on AWS.
    /// Values count by the minute in which an invocation began, or by the hour where minutes are not needed or are not
    /// kept any more. Reads files.
    ///
    /// # Errors
    /// When files cannot be read.
    pub fn statistics(
        &self,
        scope: &Scope,
        metric: &Metric,
        range: Range<SystemTime>,
        period: u32,
    ) -> io::Result<Vec<Point>> {
        let Metric { name, dimensions } = metric;
        if !name.exists_for(dimensions) {
            return Ok(Vec::new());
        }
        let period = (period / 60).max(1);
        let first = minute(range.start);
        let end = minute(range.end + Duration::from_secs(60) - Duration::from_nanos(1)).max(first);
        let mut periods: BTreeMap<Minute, Bucket> = BTreeMap::new();
        let of_metric = |key: &SeriesKey| key.scope == *scope && dimensions.hold(key);
        let grain = self.grain(first, end, period);
        self.visit(grain, first..end, of_metric, |minute, _, bucket| {
            let number = minute.saturating_sub(first) / period;
            periods.entry(first + number * period).or_default().merge(bucket);
        })?;
        let points = periods.into_iter().filter_map(|(start, bucket)| {
            Some(Point {
                start: UNIX_EPOCH + Duration::from_secs(u64::from(start) * 60),
                statistics: name.of(&bucket, dimensions)?,
            })
        });
        Ok(points.collect())
    }

    /// Hours where they say the same as minutes, or where minutes are not kept any more.
    fn grain(&self, first: Minute, end: Minute, period: Minute) -> Grain {
        let hours = |minutes: Minute| minutes.is_multiple_of(60);
        let old = SystemTime::now().checked_sub(self.options().minutes);
        let gone = old.is_some_and(|old| first < minute(old));
        if hours(period) && (gone || hours(first) && hours(end)) {
            Grain::Hours
        } else {
            Grain::Minutes
        }
    }
}

#[cfg(test)]
mod tests;
