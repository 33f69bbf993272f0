//! What an environment may use.

use hearth_types::limits::{EPHEMERAL_MB, MEMORY_MB, MEMORY_MB_PER_CPU};
use serde::{Deserialize, Serialize};

/// What a function's memory size means for its CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CpuPolicy {
    /// Its share when there is not enough for all; an otherwise idle machine is its own.
    #[default]
    Weight,
    /// A hard bound: one CPU for every 1769 MB.
    Quota,
}

/// The size of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Memory of the function, in MB.
    pub(crate) memory_mb: u32,
    /// Size of /tmp, in MB. Its pages are charged to the environment as well.
    pub(crate) ephemeral_mb: u32,
}

impl Limits {
    /// Sizes as AWS Lambda allows them; what is too small or too large becomes the nearest that is not.
    pub(crate) fn clamped(memory_mb: u32, ephemeral_mb: u32) -> Self {
        Self {
            memory_mb: memory_mb.clamp(*MEMORY_MB.start(), *MEMORY_MB.end()),
            ephemeral_mb: ephemeral_mb.clamp(*EPHEMERAL_MB.start(), *EPHEMERAL_MB.end()),
        }
    }

    /// The most anonymous memory, in bytes.
    pub(crate) fn anonymous_bytes(self) -> u64 {
        u64::from(self.memory_mb) << 20
    }

    /// The most memory of any kind, in bytes.
    pub(crate) fn charged_bytes(self) -> u64 {
        (u64::from(self.memory_mb) + u64::from(self.ephemeral_mb)) << 20
    }

    /// CPU shares of version 1: 1024 for one CPU.
    pub(crate) fn shares(self) -> u64 {
        (u64::from(self.memory_mb) * 1024 / u64::from(MEMORY_MB_PER_CPU)).max(2)
    }

    /// The same as a weight of version 2, 1 to 10000, where 100 stands for 1024 shares.
    pub(crate) fn weight(self) -> u64 {
        (self.shares() * 100 / 1024).clamp(1, 10_000)
    }

    /// CPU time in a period of [`PERIOD_MICROS`], in microseconds.
    pub(crate) fn quota(self) -> u64 {
        u64::from(self.memory_mb) * PERIOD_MICROS / u64::from(MEMORY_MB_PER_CPU)
    }
}

/// The period that a CPU quota counts in.
pub(crate) const PERIOD_MICROS: u64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cpu_is_1769_mb() {
        let limits = Limits {
            memory_mb: 1769,
            ephemeral_mb: 512,
        };
        assert_eq!(
            (limits.shares(), limits.weight(), limits.quota()),
            (1024, 100, 100_000)
        );
        assert_eq!(limits.charged_bytes(), 2281 << 20);
        assert_eq!(limits.anonymous_bytes(), 1769 << 20);
    }

    #[test]
    fn the_smallest_function_still_gets_a_share() {
        let limits = Limits {
            memory_mb: 1,
            ephemeral_mb: 512,
        };
        assert_eq!((limits.shares(), limits.weight()), (2, 1));
    }
}
