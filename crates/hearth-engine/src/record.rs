//! What is counted of an invocation.

use std::time::{Duration, SystemTime};

use crate::report;

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
