//! The platform's own log lines, in text form (formats: recorded from AWS, 2026-11).

use std::time::Duration;

use hearth_types::{CodeHash, Region, RequestId};

use crate::FunctionSpec;

/// `INIT_START …`: written when an environment starts for a function.
pub(crate) fn init_start(spec: &FunctionSpec) -> String {
    let runtime = &spec.runtime;
    format!(
        "INIT_START Runtime Version: {}\tRuntime Version ARN: {}",
        runtime.version,
        runtime_version_arn(&spec.arn.scope.region, &runtime.identifier)
    )
}

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

/// `INIT_REPORT …`: written when an init fails.
pub(crate) fn init_report(took: Duration, phase: Phase, status: &Status) -> String {
    let phase = match phase {
        Phase::Init => "init",
        Phase::Invoke => "invoke",
    };
    format!(
        "INIT_REPORT Init Duration: {} ms\tPhase: {phase}{}",
        millis(took),
        status.suffix()
    )
}

/// `START …`.
pub(crate) fn start(id: RequestId, version: &str) -> String {
    format!("START RequestId: {id} Version: {version}")
}

/// `END …`.
pub(crate) fn end(id: RequestId) -> String {
    format!("END RequestId: {id}")
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

/// What a REPORT line states.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) duration: Duration,
    pub(crate) init: Option<Duration>,
    pub(crate) memory_mb: u32,
    pub(crate) max_memory_mb: u32,
    pub(crate) status: Status,
}

impl Report {
    /// `REPORT …`. The init is billed with the first invocation (AWS's rule since 2025-08).
    pub(crate) fn line(&self, id: RequestId) -> String {
        let billed = billed_millis(self.duration + self.init.unwrap_or_default());
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
fn billed_millis(duration: Duration) -> u128 {
    duration.as_nanos().div_ceil(1_000_000)
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
