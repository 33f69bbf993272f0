//! Room for new environments on this node.
//!
//! What counts is the memory the kernel says is available, not what functions declare: a thousand
//! functions of 128 MB that use 10 MB each fit a small machine.

use std::time::Duration;

/// How long a start waits for room before the invocation is throttled.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// How often a waiting start looks again.
pub(crate) const INTERVAL: Duration = Duration::from_millis(20);

/// Whether the node has at least `reserve_mb` MiB available. A machine that does not tell has room.
pub(crate) fn has_room(reserve_mb: u64) -> bool {
    std::fs::read_to_string("/proc/meminfo")
        .ok()
        .as_deref()
        .and_then(available_mb)
        .is_none_or(|available| available > reserve_mb)
}

/// Whether a start that finds no room may wait on. An idle environment goes for it, unless one is `dying` already, which
/// takes up to two seconds where it has extensions: else all would go before the first has given its memory back.
pub(crate) fn may_wait(dying: bool, late: bool, evict: impl FnOnce() -> bool) -> bool {
    if dying && !late {
        return true;
    }
    let gone = evict();
    gone || !late
}

fn available_mb(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_goes_while_another_is_dying() {
        for (dying, late, idle, goes, waits) in [
            (false, false, true, true, true),
            (true, false, true, false, true),
            (true, true, true, true, true),
            (false, false, false, true, true),
            (true, true, false, true, false),
            (false, true, false, true, false),
        ] {
            let mut asked = false;
            let evict = || {
                asked = true;
                idle
            };
            assert_eq!(may_wait(dying, late, evict), waits, "{dying} {late} {idle}");
            assert_eq!(asked, goes, "{dying} {late} {idle}");
        }
    }

    #[test]
    fn available_memory_is_read() {
        assert_eq!(
            available_mb("MemTotal: 8 kB\nMemAvailable:   20480 kB\n"),
            Some(20)
        );
        assert_eq!(available_mb("MemTotal: 8 kB\n"), None);
        assert!(!has_room(u64::MAX));
    }
}
