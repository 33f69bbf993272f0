//! What the machine has to give.

use std::fs;
use std::time::Duration;

/// The machine, as far as scaling depends on it.
pub trait Node: Send + Sync + 'static {
    /// Bytes that new processes may take before others go short. `None` if the machine does not tell.
    fn available_memory(&self) -> Option<u64>;

    /// How long its cores, taken together, have had nothing to do since it was started. `None` if it does not tell.
    fn idle_time(&self) -> Option<Duration>;

    /// Its cores.
    fn cores(&self) -> usize;
}

/// The machine that the server runs on, as the kernel tells of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisNode;

impl Node for ThisNode {
    fn available_memory(&self) -> Option<u64> {
        available(&fs::read_to_string("/proc/meminfo").ok()?)
    }

    fn idle_time(&self) -> Option<Duration> {
        idle(&fs::read_to_string("/proc/uptime").ok()?)
    }

    fn cores(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kib * 1024)
}

/// The second figure of `/proc/uptime`, in seconds with two decimals.
fn idle(uptime: &str) -> Option<Duration> {
    let seconds: f64 = uptime.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read() {
        let text = "MemTotal: 8 kB\nMemAvailable:   20480 kB\n";
        assert_eq!(available(text), Some(20 << 20));
        assert_eq!(available("MemTotal: 8 kB\n"), None);
    }

    #[test]
    fn idle_time_is_read() {
        assert_eq!(
            idle("350735.47 234388.90\n"),
            Some(Duration::from_millis(234_388_900))
        );
        assert_eq!(idle("350735.47"), None);
    }

    #[test]
    fn the_kernel_tells() {
        assert!(ThisNode.available_memory().is_some_and(|bytes| bytes > 0));
        assert!(ThisNode.idle_time().is_some());
        assert!(ThisNode.cores() > 0);
    }
}
