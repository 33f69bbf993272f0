//! What the platform tells of an environment and its invocations, and the lines of text that say it (formats: recorded
//! from AWS, 2026-11).

use std::time::Duration;

use hearth_runtime::api::ExtensionInfo;
use hearth_types::{CodeHash, Qualifier, Region, RequestId};

use crate::FunctionSpec;
use crate::feed::Subscribed;

/// Names the version of a runtime, such as `nodejs20.x`. AWS's own names cannot be known; this one is stable
/// per runtime.
pub fn runtime_version_arn(region: &Region, runtime: &str) -> String {
    format!(
        "arn:aws:lambda:{region}::runtime:{}",
        CodeHash::of(runtime.as_bytes())
    )
}

/// In which phase an init ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Ahead of the invocation, with its own time limit.
    Init,
    /// Again, after it failed, inside the function's timeout.
    Invoke,
}

impl Phase {
    /// As lines and telemetry name it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Invoke => "invoke",
        }
    }
}

/// Something that happened to an environment or an invocation. A log of text has a line for some of them; in the JSON
/// form each is an event of AWS's Telemetry API, see [`PlatformEvent::json`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum PlatformEvent<'a> {
    /// An environment starts for a function.
    InitStart {
        spec: &'a FunctionSpec,
        phase: Phase,
        /// Names the environment.
        instance: &'a str,
    },
    /// The function's init ended.
    InitRuntimeDone { phase: Phase, status: &'a Status },
    /// What the init came to.
    InitReport {
        phase: Phase,
        status: &'a Status,
        took: Duration,
    },
    /// An extension has subscribed to telemetry.
    Subscribed(&'a Subscribed),
    /// What has become of an extension when the init ended.
    Extension(&'a ExtensionInfo),
    /// An invocation begins.
    Start {
        request_id: RequestId,
        version: &'a Qualifier,
    },
    /// The function has answered, or failed to.
    RuntimeDone {
        request_id: RequestId,
        report: &'a Report,
    },
    /// What the invocation came to.
    Report {
        request_id: RequestId,
        report: &'a Report,
    },
}

impl PlatformEvent<'_> {
    /// The line of a log of text, without its end.
    pub(crate) fn text(&self) -> Option<String> {
        match *self {
            Self::InitStart {
                spec,
                phase: Phase::Init,
                ..
            } => Some(init_start(spec)),
            Self::InitReport { phase, status, took } if *status != Status::Success => {
                Some(init_report(took, phase, status))
            }
            Self::Subscribed(subscribed) => Some(subscribed_line(subscribed)),
            Self::Extension(extension) => Some(extension_line(extension)),
            Self::Start { request_id, version } => {
                Some(format!("START RequestId: {request_id} Version: {version}"))
            }
            Self::RuntimeDone { request_id, .. } => Some(format!("END RequestId: {request_id}")),
            Self::Report { request_id, report } => Some(report.line(request_id)),
            Self::InitStart { .. } | Self::InitReport { .. } | Self::InitRuntimeDone { .. } => None,
        }
    }
}

fn init_start(spec: &FunctionSpec) -> String {
    let runtime = &spec.runtime;
    format!(
        "INIT_START Runtime Version: {}\tRuntime Version ARN: {}",
        runtime.version,
        runtime_version_arn(&spec.arn.scope.region, &runtime.identifier)
    )
}

fn subscribed_line(subscribed: &Subscribed) -> String {
    let titles = subscribed.categories.iter().map(|category| category.title());
    format!(
        "{}\tName: {}\tState: Subscribed\tTypes: [{}]",
        subscribed.api.as_str().to_uppercase(),
        subscribed.name,
        titles.collect::<Vec<_>>().join(", ")
    )
}

fn extension_line(extension: &ExtensionInfo) -> String {
    let ExtensionInfo {
        name,
        state,
        events,
        error_type,
    } = extension;
    let mut line = format!(
        "EXTENSION\tName: {name}\tState: {state}\tEvents: [{}]",
        events.join(",")
    );
    if let Some(error_type) = error_type {
        line.push_str(&format!("\tError Type: {error_type}"));
    }
    line
}

fn init_report(took: Duration, phase: Phase, status: &Status) -> String {
    format!(
        "INIT_REPORT Init Duration: {} ms\tPhase: {}{}",
        millis(took),
        phase.as_str(),
        status.suffix()
    )
}

/// How an init or an invocation ended, as its report line says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Success,
    Timeout,
    /// With the error type.
    Error(String),
}

impl Status {
    fn suffix(&self) -> String {
        match self {
            Self::Success => String::new(),
            Self::Timeout => "\tStatus: timeout".to_owned(),
            Self::Error(kind) => format!("\tStatus: error\tError Type: {kind}"),
        }
    }
}

/// What an invocation came to.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) duration: Duration,
    pub(crate) init: Option<Duration>,
    pub(crate) memory_mb: u32,
    pub(crate) max_memory_mb: u32,
    /// Size of the answer.
    pub(crate) produced_bytes: usize,
    pub(crate) status: Status,
}

impl Report {
    /// What is billed, in milliseconds. The init is billed with the first invocation (AWS's rule since 2025-08).
    pub(crate) fn billed_millis(&self) -> u64 {
        billed_millis(self.duration + self.init.unwrap_or_default())
    }

    /// So much memory was in use. What is taken in the moment before the limit bites is no memory that the function has.
    pub(crate) fn saw_memory(&mut self, mb: u32) {
        self.max_memory_mb = self.max_memory_mb.max(mb.min(self.memory_mb));
    }

    fn line(&self, id: RequestId) -> String {
        let billed = self.billed_millis();
        let mut line = format!(
            "REPORT RequestId: {id}\tDuration: {} ms\tBilled Duration: {billed} ms\tMemory Size: {} MB\tMax Memory Used: {} MB",
            millis(self.duration),
            self.memory_mb,
            self.max_memory_mb
        );
        if let Some(init) = self.init {
            line.push_str(&format!("\tInit Duration: {} ms", millis(init)));
        }
        line.push_str(&self.status.suffix());
        line.push('\t');
        line
    }
}

fn millis(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1000.0)
}

/// Duration rounded up to whole milliseconds.
pub(crate) fn billed_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(status: Status, init: Option<u64>) -> String {
        let id = RequestId::parse("00000000-0000-4000-8000-000000000000").unwrap();
        let duration = Duration::from_micros(3010);
        let init = init.map(Duration::from_micros);
        Report {
            duration,
            init,
            memory_mb: 128,
            max_memory_mb: 36,
            produced_bytes: 0,
            status,
        }
        .line(id)
    }

    #[test]
    fn a_cold_start_bills_its_init() {
        assert_eq!(
            report(Status::Success, Some(110_100)),
            "REPORT RequestId: 00000000-0000-4000-8000-000000000000\tDuration: 3.01 ms\t\
             Billed Duration: 114 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tInit Duration: 110.10 ms\t"
        );
    }

    #[test]
    fn failures_carry_their_status() {
        assert!(report(Status::Timeout, None).ends_with("Max Memory Used: 36 MB\tStatus: timeout\t"));
        let line = report(Status::Error("Runtime.OutOfMemory".into()), Some(1000));
        assert!(line.ends_with("Init Duration: 1.00 ms\tStatus: error\tError Type: Runtime.OutOfMemory\t"));
    }

    #[test]
    fn an_init_report_names_its_phase() {
        let line = init_report(Duration::from_micros(10_008_660), Phase::Init, &Status::Timeout);
        assert_eq!(
            line,
            "INIT_REPORT Init Duration: 10008.66 ms\tPhase: init\tStatus: timeout"
        );
    }
}
