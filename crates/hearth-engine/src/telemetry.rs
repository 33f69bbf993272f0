//! Platform events as AWS's Telemetry API writes them, which is also how they stand in a log of the JSON form.
//! Names and members: schema 2022-12-13; levels: "System log level event mapping" of the Lambda developer guide.

use std::time::{Duration, SystemTime};

use hearth_runtime::LogLevel;
use hearth_runtime::api::telemetry::TelemetryApi;
use hearth_types::{RequestId, time};
use serde::Serialize;

use crate::report::{Phase, PlatformEvent, Report, Status, runtime_version_arn};

const MIB: u64 = 1024 * 1024;
/// How environments start here; AWS knows others.
const INITIALIZATION: &str = "on-demand";

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(flatten)]
    event: Event<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", content = "record")]
enum Event<'a> {
    #[serde(rename = "platform.initStart")]
    InitStart(InitStart<'a>),
    #[serde(rename = "platform.initRuntimeDone")]
    InitRuntimeDone(InitEnd<'a>),
    #[serde(rename = "platform.initReport")]
    InitReport(InitEnd<'a>),
    #[serde(rename = "platform.telemetrySubscription")]
    TelemetrySubscription(Subscription<'a>),
    #[serde(rename = "platform.logsSubscription")]
    LogsSubscription(Subscription<'a>),
    #[serde(rename = "platform.extension")]
    Extension(Extension<'a>),
    #[serde(rename = "platform.start")]
    Start(Start),
    #[serde(rename = "platform.runtimeDone")]
    RuntimeDone(End<'a>),
    #[serde(rename = "platform.report")]
    Report(End<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InitStart<'a> {
    initialization_type: &'static str,
    phase: &'static str,
    runtime_version: &'a str,
    runtime_version_arn: String,
    function_name: &'a str,
    function_arn: String,
    function_version: String,
    instance_id: &'a str,
    /// In bytes.
    instance_max_memory: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InitEnd<'a> {
    initialization_type: &'static str,
    phase: &'static str,
    #[serde(flatten)]
    status: Ended<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Metrics>,
}

#[derive(Serialize)]
struct Subscription<'a> {
    name: &'a str,
    state: &'static str,
    types: Vec<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extension<'a> {
    name: &'a str,
    state: String,
    events: &'a [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    request_id: String,
    version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct End<'a> {
    request_id: String,
    metrics: Metrics,
    #[serde(flatten)]
    status: Ended<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ended<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<&'a str>,
}

/// Durations in milliseconds, memory in MB.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    duration_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    produced_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billed_duration_ms: Option<u64>,
    #[serde(rename = "memorySizeMB", skip_serializing_if = "Option::is_none")]
    memory_size_mb: Option<u32>,
    #[serde(rename = "maxMemoryUsedMB", skip_serializing_if = "Option::is_none")]
    max_memory_used_mb: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    init_duration_ms: Option<f64>,
}

impl PlatformEvent<'_> {
    /// The event as a JSON object: `time`, `type` and `record`.
    pub(crate) fn json(&self, at: SystemTime) -> String {
        let line = Line {
            time: time::iso8601(at),
            event: self.event(),
        };
        serde_json::to_string(&line).expect("texts and numbers have a JSON form")
    }

    /// The same for the older Logs API, which knows no events of the init, and tells the end of an invocation twice.
    pub(crate) fn logs_json(&self, at: SystemTime) -> Vec<String> {
        let line = |kind: &str, record: serde_json::Value| {
            let time = time::iso8601(at);
            format!(r#"{{"time":"{time}","type":"{kind}","record":{record}}}"#)
        };
        match self {
            Self::InitStart { .. } | Self::InitRuntimeDone { .. } | Self::InitReport { .. } => Vec::new(),
            Self::RuntimeDone { request_id, report } => {
                let id = request_id.to_string();
                let status = match report.status {
                    Status::Success => "success",
                    Status::Timeout => "timeout",
                    Status::Error(_) => "failure",
                };
                vec![
                    line(
                        "platform.runtimeDone",
                        serde_json::json!({ "requestId": id, "status": status }),
                    ),
                    line("platform.end", serde_json::json!({ "requestId": id })),
                ]
            }
            _ => vec![self.json(at)],
        }
    }

    /// How much it matters.
    pub(crate) fn level(&self) -> LogLevel {
        let by_status = |status: &Status, success| match status {
            Status::Success => success,
            Status::Timeout | Status::Error(_) => LogLevel::Warn,
        };
        match self {
            Self::InitStart { .. } | Self::Subscribed(_) | Self::Extension(_) | Self::Start { .. } => {
                LogLevel::Info
            }
            Self::InitRuntimeDone { status, .. } | Self::InitReport { status, .. } => {
                by_status(status, LogLevel::Debug)
            }
            Self::RuntimeDone { report, .. } => by_status(&report.status, LogLevel::Debug),
            Self::Report { report, .. } => by_status(&report.status, LogLevel::Info),
        }
    }

    fn event(&self) -> Event<'_> {
        match *self {
            Self::InitStart {
                spec,
                phase,
                instance,
            } => Event::InitStart(InitStart {
                initialization_type: INITIALIZATION,
                phase: phase.as_str(),
                runtime_version: &spec.runtime.version,
                runtime_version_arn: runtime_version_arn(&spec.arn.scope.region, &spec.runtime.identifier),
                function_name: spec.arn.name.as_str(),
                function_arn: spec.arn.to_string(),
                function_version: spec.version.to_string(),
                instance_id: instance,
                instance_max_memory: u64::from(spec.memory_mb) * MIB,
            }),
            Self::InitRuntimeDone { phase, status } => Event::InitRuntimeDone(init_end(phase, status, None)),
            Self::InitReport { phase, status, took } => {
                Event::InitReport(init_end(phase, status, Some(took)))
            }
            Self::Subscribed(subscribed) => {
                let subscription = Subscription {
                    name: &subscribed.name,
                    state: "Subscribed",
                    types: subscribed
                        .categories
                        .iter()
                        .map(|category| category.name())
                        .collect(),
                };
                match subscribed.api {
                    TelemetryApi::Telemetry => Event::TelemetrySubscription(subscription),
                    TelemetryApi::Logs => Event::LogsSubscription(subscription),
                }
            }
            Self::Extension(extension) => Event::Extension(Extension {
                name: &extension.name,
                state: extension.state.to_string(),
                events: &extension.events,
                error_type: extension.error_type.as_deref(),
            }),
            Self::Start { request_id, version } => Event::Start(Start {
                request_id: request_id.to_string(),
                version: version.to_string(),
            }),
            Self::RuntimeDone { request_id, report } => {
                let metrics = Metrics {
                    duration_ms: millis(report.duration),
                    produced_bytes: Some(report.produced_bytes),
                    ..Metrics::default()
                };
                Event::RuntimeDone(end(request_id, report, metrics))
            }
            Self::Report { request_id, report } => {
                let metrics = Metrics {
                    duration_ms: millis(report.duration),
                    billed_duration_ms: Some(report.billed_millis()),
                    memory_size_mb: Some(report.memory_mb),
                    max_memory_used_mb: Some(report.max_memory_mb),
                    init_duration_ms: report.init.map(millis),
                    ..Metrics::default()
                };
                Event::Report(end(request_id, report, metrics))
            }
        }
    }
}

fn init_end(phase: Phase, status: &Status, took: Option<Duration>) -> InitEnd<'_> {
    InitEnd {
        initialization_type: INITIALIZATION,
        phase: phase.as_str(),
        status: ended(status),
        metrics: took.map(|took| Metrics {
            duration_ms: millis(took),
            ..Metrics::default()
        }),
    }
}

fn end(request_id: RequestId, report: &Report, metrics: Metrics) -> End<'_> {
    End {
        request_id: request_id.to_string(),
        metrics,
        status: ended(&report.status),
    }
}

fn ended(status: &Status) -> Ended<'_> {
    let (status, error_type) = match status {
        Status::Success => ("success", None),
        Status::Timeout => ("timeout", None),
        Status::Error(kind) => ("error", Some(kind.as_str())),
    };
    Ended { status, error_type }
}

/// To the microsecond, as AWS gives it.
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00000000-0000-4000-8000-000000000000";

    fn report(status: Status) -> Report {
        Report {
            duration: Duration::from_nanos(3_010_999),
            init: Some(Duration::from_micros(110_100)),
            memory_mb: 128,
            max_memory_mb: 36,
            produced_bytes: 4,
            status,
        }
    }

    fn json(event: PlatformEvent<'_>) -> String {
        event.json(SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn events_have_the_members_of_the_telemetry_api() {
        let request_id = RequestId::parse(ID).unwrap();
        let success = report(Status::Success);
        assert_eq!(
            json(PlatformEvent::Report {
                request_id,
                report: &success
            }),
            format!(
                r#"{{"time":"1970-01-01T00:00:00.000Z","type":"platform.report","record":{{"requestId":"{ID}","metrics":{{"durationMs":3.01,"billedDurationMs":114,"memorySizeMB":128,"maxMemoryUsedMB":36,"initDurationMs":110.1}},"status":"success"}}}}"#
            )
        );
        assert_eq!(
            json(PlatformEvent::RuntimeDone {
                request_id,
                report: &report(Status::Error("Runtime.ExitError".into()))
            }),
            format!(
                r#"{{"time":"1970-01-01T00:00:00.000Z","type":"platform.runtimeDone","record":{{"requestId":"{ID}","metrics":{{"durationMs":3.01,"producedBytes":4}},"status":"error","errorType":"Runtime.ExitError"}}}}"#
            )
        );
        assert_eq!(
            json(PlatformEvent::InitReport {
                phase: Phase::Invoke,
                status: &Status::Timeout,
                took: Duration::from_secs(10)
            }),
            r#"{"time":"1970-01-01T00:00:00.000Z","type":"platform.initReport","record":{"initializationType":"on-demand","phase":"invoke","status":"timeout","metrics":{"durationMs":10000.0}}}"#
        );
    }

    #[test]
    fn failures_matter_more() {
        let request_id = RequestId::parse(ID).unwrap();
        let level = |status| {
            let report = report(status);
            let report = &report;
            let done = PlatformEvent::RuntimeDone { request_id, report }.level();
            (done, PlatformEvent::Report { request_id, report }.level())
        };
        assert_eq!(level(Status::Success), (LogLevel::Debug, LogLevel::Info));
        assert_eq!(level(Status::Timeout), (LogLevel::Warn, LogLevel::Warn));
    }
}
