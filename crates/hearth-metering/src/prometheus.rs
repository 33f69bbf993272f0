//! What was counted since the start, in the text format of Prometheus (version 0.0.4).
//!
//! Names are AWS's where AWS has them (`aws_lambda_invocations_total` is `Invocations`), with the units that Prometheus
//! asks for; what is Hearth's own begins with `hearth_`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hearth_types::{FunctionName, Scope};

use crate::series::SeriesKey;
use crate::{Bucket, Distribution, Metering};

/// The `Content-Type` of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Functions that have counters of their own; all beyond share those of [`OTHERS`], so that the text stays small.
const MOST_FUNCTIONS: usize = 1000;
/// Stands for functions beyond that; the name of none.
const OTHERS: &str = "";

/// Limits of the buckets of histograms, as they are written and in microseconds. All are limits of bins.
const LIMITS: [(&str, u64); 17] = [
    ("0.001", 1_000),
    ("0.0025", 2_500),
    ("0.005", 5_000),
    ("0.01", 10_000),
    ("0.025", 25_000),
    ("0.05", 50_000),
    ("0.1", 100_000),
    ("0.25", 250_000),
    ("0.5", 500_000),
    ("1", 1_000_000),
    ("2.5", 2_500_000),
    ("5", 5_000_000),
    ("10", 10_000_000),
    ("30", 30_000_000),
    ("60", 60_000_000),
    ("300", 300_000_000),
    ("900", 900_000_000),
];

/// Counts of functions since the start.
#[derive(Debug, Default)]
pub(crate) struct Totals(BTreeMap<(Scope, Option<FunctionName>), Bucket>);

impl Totals {
    pub(crate) fn add(&mut self, key: &SeriesKey, bucket: &Bucket) {
        let mut of = (key.scope.clone(), Some(key.function.clone()));
        if self.0.len() >= MOST_FUNCTIONS && !self.0.contains_key(&of) {
            of.1 = None;
        }
        self.0.entry(of).or_default().merge(bucket);
    }
}

/// What kind of metric a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number that only grows.
    Counter,
    /// A number.
    Gauge,
    /// Counts by size.
    Histogram,
}

/// The text, as it grows.
#[derive(Clone, Debug, Default)]
pub struct Exposition(String);

impl Exposition {
    /// Begins a metric; its samples follow.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Adds a sample of the metric that was begun.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            let text = text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = write!(self.0, "{}{label}=\"{text}\"", if place == 0 { '{' } else { ',' });
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{end} {value}");
    }

    /// Adds the samples of a histogram of microseconds, in seconds.
    fn seconds(&mut self, name: &str, labels: &[(&str, &str)], values: &Distribution) {
        let bucket = format!("{name}_bucket");
        for (limit, micros) in LIMITS {
            let labels = [labels, &[("le", limit)]].concat();
            self.sample(&bucket, &labels, values.histogram.up_to(micros) as f64);
        }
        self.sample(
            &bucket,
            &[labels, &[("le", "+Inf")]].concat(),
            values.count as f64,
        );
        self.sample(&format!("{name}_sum"), labels, values.sum as f64 / 1e6);
        self.sample(&format!("{name}_count"), labels, values.count as f64);
    }

    /// The whole text.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// A counter: its name, what it is, and where it is in a bucket.
type Counter = (&'static str, &'static str, fn(&Bucket) -> f64);

const COUNTERS: [Counter; 14] = [
    ("aws_lambda_invocations_total", "Invocations that ran.", |b| {
        b.invocations() as f64
    }),
    ("aws_lambda_errors_total", "Invocations that failed.", |b| {
        b.errors as f64
    }),
    (
        "aws_lambda_throttles_total",
        "Invocations that were refused.",
        |b| b.throttles as f64,
    ),
    (
        "hearth_timeouts_total",
        "Invocations that took too long; errors too.",
        |b| b.timeouts as f64,
    ),
    (
        "hearth_out_of_memory_total",
        "Invocations whose memory ran out; errors too.",
        |b| b.out_of_memory as f64,
    ),
    (
        "hearth_crashes_total",
        "Invocations whose process ended; errors too.",
        |b| b.crashes as f64,
    ),
    (
        "hearth_cold_starts_total",
        "Invocations that an environment was started for.",
        |b| b.cold_starts as f64,
    ),
    (
        "hearth_billed_seconds_total",
        "Duration that is billed, inits included.",
        |b| b.billed_ms as f64 / 1e3,
    ),
    (
        "hearth_gb_seconds_total",
        "Memory size times duration that is billed.",
        |b| b.billed_mb_ms as f64 / 1024e3,
    ),
    ("hearth_cpu_seconds_total", "CPU time of environments.", |b| {
        b.cpu_us as f64 / 1e6
    }),
    ("hearth_event_bytes_total", "Bytes of events.", |b| {
        b.bytes_in as f64
    }),
    ("hearth_response_bytes_total", "Bytes of answers.", |b| {
        b.bytes_out as f64
    }),
    (
        "aws_lambda_async_events_received_total",
        "Events accepted for asynchronous invocation.",
        |b| b.events_received as f64,
    ),
    (
        "aws_lambda_async_events_dropped_total",
        "Events that were given up.",
        |b| b.events_dropped as f64,
    ),
];

/// A histogram, likewise.
type Distributed = (&'static str, &'static str, fn(&Bucket) -> &Distribution);

const HISTOGRAMS: [Distributed; 4] = [
    ("aws_lambda_duration_seconds", "How long invocations took.", |b| {
        &b.duration
    }),
    (
        "hearth_init_duration_seconds",
        "How long inits took that an invocation waited for.",
        |b| &b.init,
    ),
    (
        "hearth_queue_wait_seconds",
        "How long invocations waited for an environment, its start included.",
        |b| &b.waited,
    ),
    (
        "aws_lambda_async_event_age_seconds",
        "How old events were when an attempt at them began.",
        |b| &b.event_age,
    ),
];

impl Metering {
    /// Adds what has been counted since the start.
    pub fn expose(&self, out: &mut Exposition) {
        self.shared.collect();
        let totals = self.shared.totals();
        let each = || {
            totals.0.iter().map(|((scope, function), bucket)| {
                let name = function.as_ref().map_or(OTHERS, FunctionName::as_str);
                let labels = [
                    ("account", scope.account.as_str()),
                    ("region", scope.region.as_str()),
                    ("function_name", name),
                ];
                (labels, bucket)
            })
        };
        for (name, help, of) in COUNTERS {
            out.family(name, Kind::Counter, help);
            each().for_each(|(labels, bucket)| out.sample(name, &labels, of(bucket)));
        }
        for (name, help, of) in HISTOGRAMS {
            out.family(name, Kind::Histogram, help);
            // One that is empty everywhere but for its limits would be most of the text.
            let used = each().filter(|(_, bucket)| of(bucket).count > 0);
            used.for_each(|(labels, bucket)| out.seconds(name, &labels, of(bucket)));
        }
        let name = "hearth_memory_used_max_megabytes";
        out.family(
            name,
            Kind::Gauge,
            "The most memory that an environment was seen to use.",
        );
        each().for_each(|(labels, bucket)| out.sample(name, &labels, bucket.memory_mb.max as f64));
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use hearth_engine::Meter;
    use hearth_types::{FunctionArn, Qualifier};

    use super::*;

    fn text(metering: &Metering) -> String {
        let mut out = Exposition::default();
        metering.expose(&mut out);
        out.into_text()
    }

    #[test]
    fn texts_are_escaped() {
        let mut out = Exposition::default();
        out.family("a", Kind::Gauge, "one\ntwo\\");
        out.sample("a", &[("x", "q\"\\\n"), ("y", "z")], 1.5);
        out.sample("a", &[], 2.0);
        assert_eq!(
            out.into_text(),
            "# HELP a one\\ntwo\\\\\n# TYPE a gauge\na{x=\"q\\\"\\\\\\n\",y=\"z\"} 1.5\na 2\n"
        );
    }

    #[test]
    fn counts_go_on_over_minutes() {
        let metering = Metering::default();
        let scope = Scope::default();
        let arn = FunctionArn::new(scope, FunctionName::parse("f").unwrap());
        let counter = crate::counter::Counter::new(
            std::sync::Arc::clone(&metering.shared),
            SeriesKey {
                scope: arn.scope.clone(),
                function: arn.name.clone(),
                version: Qualifier::Latest,
                qualifier: None,
            },
        );
        for (second, micros) in [(0, 1_000), (60, 1_001), (120, 20_000_000)] {
            let at = UNIX_EPOCH + Duration::from_secs(second);
            counter.count(None, at, |bucket| bucket.duration.add(micros));
            text(&metering);
        }
        metering
            .function(&arn, &Qualifier::Version(1))
            .throttled(Some("live"));
        let text = text(&metering);
        let labels = r#"account="000000000000",region="us-east-1",function_name="f""#;
        for line in [
            format!("aws_lambda_invocations_total{{{labels}}} 3"),
            format!("aws_lambda_throttles_total{{{labels}}} 1"),
            format!("aws_lambda_duration_seconds_bucket{{{labels},le=\"0.001\"}} 1"),
            format!("aws_lambda_duration_seconds_bucket{{{labels},le=\"0.0025\"}} 2"),
            format!("aws_lambda_duration_seconds_bucket{{{labels},le=\"30\"}} 3"),
            format!("aws_lambda_duration_seconds_bucket{{{labels},le=\"+Inf\"}} 3"),
            format!("aws_lambda_duration_seconds_sum{{{labels}}} 20.002001"),
        ] {
            assert!(
                text.lines().any(|there| there == line),
                "{line} is not in\n{text}"
            );
        }
    }

    #[test]
    fn functions_beyond_the_bound_share_their_counters() {
        let mut totals = Totals::default();
        let bucket = Bucket {
            throttles: 1,
            ..Bucket::default()
        };
        for n in 0..MOST_FUNCTIONS + 5 {
            let key = SeriesKey {
                scope: Scope::default(),
                function: FunctionName::parse(&format!("f{n}")).unwrap(),
                version: Qualifier::Latest,
                qualifier: None,
            };
            totals.add(&key, &bucket);
        }
        assert_eq!(totals.0.len(), MOST_FUNCTIONS + 1);
        let shared: u64 = totals
            .0
            .iter()
            .filter(|((_, name), _)| name.is_none())
            .map(|(_, b)| b.throttles)
            .sum();
        assert_eq!(shared, 5);
    }
}
