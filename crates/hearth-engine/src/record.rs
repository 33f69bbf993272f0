//! What is counted of an invocation.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::Function;
use crate::report::{self, Report};

/// How an invocation ended, for those who count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// The function answered.
    Success,
    /// The function failed: it said so, or its answer could not be used.
    Error,
    /// It ran longer than it may.
    Timeout,
    /// Its memory ran out.
    OutOfMemory,
    /// Its process ended.
    Crash,
}

/// How many invocations ran when one was admitted, itself included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// Of the same function, whatever the version.
    pub function: u32,
    /// Of the same account in the same region.
    pub account: u32,
    /// Of those of the account whose functions have no concurrency reserved, if the function is one of them.
    pub unreserved: Option<u32>,
}

/// One invocation that came to its end.
#[derive(Clone, Copy, Debug)]
pub struct InvocationRecord {
    /// When it began.
    pub began: SystemTime,
    /// How it ended.
    pub conclusion: Conclusion,
    /// How long it took, as its report says.
    pub duration: Duration,
    /// The init that is billed with it.
    pub init: Option<Duration>,
    /// Whether an environment was started for it.
    pub cold: bool,
    /// How long it waited for an environment.
    pub waited: Duration,
    /// The function's memory, in MB.
    pub memory_mb: u32,
    /// The most memory that its environment was seen to use, in MB.
    pub max_memory_mb: u32,
    /// Size of the event.
    pub bytes_in: u64,
    /// Size of the answer.
    pub bytes_out: u64,
    /// Among how many it ran.
    pub running: Running,
}

impl InvocationRecord {
    /// What is billed, in milliseconds: as its report says.
    pub fn billed_ms(&self) -> u64 {
        report::billed_millis(self.duration + self.init.unwrap_or_default())
    }

    /// The part of it that is there for the init.
    pub fn billed_init_ms(&self) -> u64 {
        self.billed_ms() - report::billed_millis(self.duration)
    }
}

/// What is counted of an invocation and not in its report.
#[derive(Debug)]
pub(crate) struct Count {
    pub(crate) invoked_arn: String,
    pub(crate) begun: Instant,
    pub(crate) conclusion: Conclusion,
    pub(crate) cold: bool,
    pub(crate) waited: Duration,
    pub(crate) bytes_in: usize,
    pub(crate) running: Running,
}

impl Count {
    /// Counts the invocation, once its report is complete.
    pub(crate) fn close(&self, function: &Function, report: &Report) {
        let record = InvocationRecord {
            began: SystemTime::now() - self.begun.elapsed(),
            conclusion: self.conclusion,
            duration: report.duration,
            init: report.init,
            cold: self.cold,
            waited: self.waited,
            memory_mb: report.memory_mb,
            max_memory_mb: report.max_memory_mb,
            bytes_in: self.bytes_in as u64,
            bytes_out: report.produced_bytes as u64,
            running: self.running,
        };
        function.meter.invoked(qualifier(&self.invoked_arn), &record);
    }
}

/// The version or alias at the end of a function's ARN, if there is one.
pub(crate) fn qualifier(arn: &str) -> Option<&str> {
    arn.splitn(8, ':').nth(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn billing_rounds_up_to_milliseconds_and_includes_the_init() {
        let micros = Duration::from_micros;
        // Duration, init, billed, and of it for the init; the first four are AWS's (facts of 2025-08 and later).
        for (duration, init, billed, billed_init) in [
            (2_100, None, 3, 0),
            (3_010, Some(110_100), 114, 110),
            (3_000, None, 3, 0),
            (0, None, 0, 0),
            (3_000, Some(110_000), 113, 110),
            (3_600, Some(400), 4, 0),
            (3_600, Some(401), 5, 1),
            (1, Some(1), 1, 0),
        ] {
            let record = InvocationRecord {
                began: SystemTime::UNIX_EPOCH,
                conclusion: Conclusion::Success,
                duration: micros(duration),
                init: init.map(micros),
                cold: init.is_some(),
                waited: Duration::ZERO,
                memory_mb: 128,
                max_memory_mb: 1,
                bytes_in: 0,
                bytes_out: 0,
                running: Running::default(),
            };
            assert_eq!(
                (record.billed_ms(), record.billed_init_ms()),
                (billed, billed_init),
                "{duration} {init:?}"
            );
        }
    }

    #[test]
    fn a_qualifier_is_what_follows_the_name() {
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
        assert_eq!(qualifier(arn), None);
        for name in ["live", "7", "$LATEST"] {
            assert_eq!(qualifier(&format!("{arn}:{name}")), Some(name));
        }
    }
}
