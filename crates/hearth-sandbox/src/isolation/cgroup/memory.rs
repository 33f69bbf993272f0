//! Noticing that an environment uses more memory than its function has.
//!
//! The kernel's limit must leave room for /tmp, whose pages are charged too, so anonymous memory is held to the
//! function's size from here: checked every so often, the sooner the less is left.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use rustix::event::EventfdFlags;
use rustix::fs::OFlags;

use super::{Controller, Groups, Home, Version, read};
use crate::gauge::anonymous;

/// The shortest time between two checks.
const SHORTEST: Duration = Duration::from_millis(10);
/// The longest.
const LONGEST: Duration = Duration::from_secs(1);
/// Faster than this, in bytes per millisecond, nobody fills memory: about 4 GiB/s.
const FASTEST: u64 = 4 << 20;

/// Watches one environment.
pub(crate) struct MemoryWatch {
    /// `memory.stat`.
    stat: File,
    alarm: Option<Alarm>,
    limit: u64,
    peak: u64,
}

/// Version 1: announces when all memory, of which the anonymous is a part, crosses the limit, and when the kernel
/// runs out of memory for the group. Until then there is nothing to check.
struct Alarm {
    event: OwnedFd,
    /// `memory.usage_in_bytes`.
    usage: File,
}

/// What a check found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// Within the limit: check again after this time, or else when the event comes.
    Within(Option<Duration>),
    /// Over the limit.
    Exceeded,
}

impl MemoryWatch {
    /// Starts watching a group whose anonymous memory may reach `limit` bytes.
    pub(crate) fn start(groups: &Groups, group: &str, limit: u64) -> io::Result<Self> {
        let home = groups
            .home(Controller::Memory)
            .ok_or(io::ErrorKind::Unsupported)?;
        let stat = File::from(home.open(group, "memory.stat", OFlags::RDONLY)?);
        let alarm = match home.version {
            Version::V1 => Some(Alarm::set(home, group, limit)?),
            Version::V2 => None,
        };
        Ok(Self {
            stat,
            alarm,
            limit,
            peak: 0,
        })
    }

    /// Watches the same group for another limit.
    pub(crate) fn restart(&mut self, groups: &Groups, group: &str, limit: u64) -> io::Result<()> {
        *self = Self {
            peak: self.peak,
            ..Self::start(groups, group, limit)?
        };
        Ok(())
    }

    /// What to wait on before the first check; without it, check from the beginning.
    pub(crate) fn event(&self) -> Option<BorrowedFd<'_>> {
        self.alarm.as_ref().map(|alarm| alarm.event.as_fd())
    }

    /// The most anonymous memory the group may have, in bytes.
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// A descriptor of `memory.stat` for someone else.
    pub(crate) fn stat(&self) -> io::Result<OwnedFd> {
        Ok(self.stat.try_clone()?.into())
    }

    /// The most anonymous memory any check has seen, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    /// Looks at the memory in use.
    pub(crate) fn check(&mut self) -> Memory {
        if let Some(alarm) = &self.alarm {
            // Take the event that led here; it is no error if there was none.
            let _ = rustix::io::read(&alarm.event, &mut [0; 8]);
        }
        let used = text(&self.stat).as_deref().and_then(anonymous).unwrap_or(0);
        self.peak = self.peak.max(used);
        let Some(left) = self.limit.checked_sub(used) else {
            return Memory::Exceeded;
        };
        if self
            .alarm
            .as_ref()
            .is_some_and(|alarm| alarm.is_quiet(self.limit))
        {
            return Memory::Within(None);
        }
        Memory::Within(Some(
            Duration::from_millis(left / FASTEST).clamp(SHORTEST, LONGEST),
        ))
    }
}

impl Alarm {
    fn set(home: &Home, group: &str, limit: u64) -> io::Result<Self> {
        let event = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let usage = home.open(group, "memory.usage_in_bytes", OFlags::RDONLY)?;
        let oom = home.open(group, "memory.oom_control", OFlags::RDONLY)?;
        for (source, argument) in [(&usage, limit.to_string()), (&oom, String::new())] {
            let order = format!("{} {} {argument}", event.as_raw_fd(), source.as_raw_fd());
            home.write(group, "cgroup.event_control", &order)?;
        }
        Ok(Self {
            event,
            usage: usage.into(),
        })
    }

    /// Total use is below the limit, so that growing beyond it will be announced.
    fn is_quiet(&self, limit: u64) -> bool {
        text(&self.usage)
            .and_then(|bytes| bytes.trim_end().parse().ok())
            .is_some_and(|usage: u64| usage < limit)
    }
}

/// The content of a file of the kernel's.
fn text(file: &File) -> Option<String> {
    let mut text = vec![0; 8192];
    let length = file.read_at(&mut text, 0).ok()?;
    text.truncate(length);
    String::from_utf8(text).ok()
}

impl Groups {
    /// Whether the kernel has killed a process of the group for want of memory.
    pub(crate) fn ran_out_of_memory(&self, group: &str) -> bool {
        let Some(home) = self.home(Controller::Memory) else {
            return false;
        };
        let file = match home.version {
            Version::V1 => "memory.oom_control",
            Version::V2 => "memory.events",
        };
        let text = read(home.directory.as_fd(), &format!("{group}/{file}")).unwrap_or_default();
        text.lines()
            .any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count != "0"))
    }
}
