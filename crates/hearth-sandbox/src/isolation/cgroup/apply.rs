//! Setting an environment's limits.

use std::io;

use hearth_types::limits::PROCESSES;

use super::{Controller, Groups, Version};
use crate::isolation::limits::{CpuPolicy, Limits, PERIOD_MICROS};

/// Processes and threads beside the function's own: the environment's init.
const OVERHEAD_PROCESSES: u32 = 1;

impl Groups {
    /// Sets an environment's limits; a second time, those that depend on its size.
    pub(crate) fn limit(&self, group: &str, limits: Limits, policy: CpuPolicy) -> io::Result<()> {
        self.limit_memory(group, limits)?;
        self.limit_cpu(group, limits, policy)?;
        self.limit_processes(group)
    }

    fn limit_memory(&self, group: &str, limits: Limits) -> io::Result<()> {
        let Some(home) = self.home(Controller::Memory) else {
            return Ok(());
        };
        let bytes = limits.charged_bytes().to_string();
        match home.version {
            Version::V1 => home.write(group, "memory.limit_in_bytes", &bytes),
            Version::V2 => {
                home.write(group, "memory.max", &bytes)?;
                home.write(group, "memory.oom.group", "1")
            }
        }
    }

    fn limit_cpu(&self, group: &str, limits: Limits, policy: CpuPolicy) -> io::Result<()> {
        let Some(home) = self.home(Controller::Cpu) else {
            return Ok(());
        };
        let quota = (policy == CpuPolicy::Quota).then(|| limits.quota());
        match home.version {
            Version::V1 => {
                home.write(group, "cpu.shares", &limits.shares().to_string())?;
                quota.map_or(Ok(()), |micros| {
                    home.write(group, "cpu.cfs_quota_us", &micros.to_string())
                })
            }
            Version::V2 => {
                home.write(group, "cpu.weight", &limits.weight().to_string())?;
                quota.map_or(Ok(()), |micros| {
                    home.write(group, "cpu.max", &format!("{micros} {PERIOD_MICROS}"))
                })
            }
        }
    }

    fn limit_processes(&self, group: &str) -> io::Result<()> {
        let Some(home) = self.home(Controller::Pids) else {
            return Ok(());
        };
        home.write(group, "pids.max", &(PROCESSES + OVERHEAD_PROCESSES).to_string())
    }
}
