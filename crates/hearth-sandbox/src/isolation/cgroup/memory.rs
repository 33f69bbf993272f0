//! Noticing that an environment uses more memory than its function has.
//!
//! The kernel's limit must leave room for /tmp, whose pages are charged too, so anonymous memory is held to
//! the function's size from here. As long as all memory together is below that size there is nothing to look
//! at; the kernel announces when it no longer is, and from then on the anonymous part is checked every so
//! often, the sooner the less is left.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use rustix::event::{EventfdFlags, epoll};
use rustix::fs::OFlags;

use super::{Controller, Groups, Home, Version};
use crate::gauge::anonymous;
use crate::isolation::bounds::Memory;

/// The shortest time between two checks.
const SHORTEST: Duration = Duration::from_millis(10);
/// The longest.
const LONGEST: Duration = Duration::from_secs(1);
/// Faster than this, in bytes per millisecond, nobody fills memory: about 4 GiB/s.
const FASTEST: u64 = 4 << 20;

/// Watches one environment.
pub(crate) struct MemoryWatch {
    alarm: Alarm,
    /// The total the alarm is set to, in bytes.
    alarm_at: u64,
    /// The most anonymous memory, in bytes.
    limit: u64,
    peak: u64,
}

/// Announces that all memory together has crossed the limit.
enum Alarm {
    /// Version 1: an event descriptor, which init ties to the limit (see [`MemoryWatch::arming`]).
    Threshold(OwnedFd),
    /// Version 2: `memory.events`, in which reaching `memory.high` is counted. That would slow the
    /// environment down as well, so it is lifted as soon as it is announced.
    High { events: OwnedFd, high: File },
}

/// The order that sets an alarm of version 1.
pub(crate) struct Arming<'a> {
    order: String,
    control: OwnedFd,
    total: OwnedFd,
    event: BorrowedFd<'a>,
}

impl MemoryWatch {
    /// Starts watching a group whose anonymous memory may reach `limit` bytes.
    pub(crate) fn start(groups: &Groups, group: &str, limit: u64) -> io::Result<Self> {
        let home = groups
            .home(Controller::Memory)
            .ok_or(io::ErrorKind::Unsupported)?;
        let open = |file: &str, flags: OFlags| home.open(group, file, flags);
        let alarm = match home.version {
            Version::V1 => {
                let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
                Alarm::Threshold(rustix::event::eventfd(0, flags)?)
            }
            Version::V2 => {
                let high = File::from(open("memory.high", OFlags::WRONLY)?);
                high.write_at(limit.to_string().as_bytes(), 0)?;
                let events = open("memory.events", OFlags::RDONLY)?;
                Alarm::High { events, high }
            }
        };
        Ok(Self {
            alarm,
            alarm_at: limit,
            limit,
            peak: 0,
        })
    }

    /// Version 1: what init must do for the alarm to work. The kernel takes a grace period of its own for it,
    /// 10 ms or more, and the warden has better things to do.
    pub(crate) fn arming(&self, groups: &Groups, group: &str) -> io::Result<Option<Arming<'_>>> {
        let (Alarm::Threshold(event), Some(home)) = (&self.alarm, groups.home(Controller::Memory)) else {
            return Ok(None);
        };
        let total = home.open(group, home.total(), OFlags::RDONLY)?;
        let numbers = [event.as_fd(), total.as_fd()].map(|descriptor| descriptor.as_raw_fd());
        Ok(Some(Arming {
            order: format!("{} {} {}", numbers[0], numbers[1], self.alarm_at),
            control: home.open(group, "cgroup.event_control", OFlags::WRONLY)?,
            total,
            event: event.as_fd(),
        }))
    }

    /// Watches for another limit. An alarm of version 1 cannot be changed; if it comes too late for the new
    /// limit, the memory is checked all the time.
    pub(crate) fn change_limit(&mut self, limit: u64) {
        self.limit = limit;
        if matches!(self.alarm, Alarm::High { .. }) {
            self.alarm_at = limit;
        }
    }

    /// What to wait for.
    pub(crate) fn alarm(&self) -> (BorrowedFd<'_>, epoll::EventFlags) {
        match &self.alarm {
            Alarm::Threshold(event) => (event.as_fd(), epoll::EventFlags::IN),
            Alarm::High { events, .. } => (events.as_fd(), epoll::EventFlags::PRI),
        }
    }

    /// The most anonymous memory any check has seen, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    /// Looks at the memory in use. Nothing is kept open for it: it is rare, and a warden may have thousands of
    /// environments.
    pub(crate) fn check(&mut self, groups: &Groups, group: &str) -> Memory {
        self.quieten();
        let home = groups.home(Controller::Memory);
        let stat = home
            .map(|home| home.read(group, "memory.stat"))
            .unwrap_or_default();
        let used = anonymous(&stat).unwrap_or(0);
        self.peak = self.peak.max(used);
        let Some(left) = self.limit.checked_sub(used) else {
            return Memory::Exceeded;
        };
        let total = home.and_then(|home| home.read(group, home.total()).trim_end().parse().ok());
        if self.set_alarm(total.unwrap_or(u64::MAX)) {
            return Memory::Within(None);
        }
        Memory::Within(Some(
            Duration::from_millis(left / FASTEST).clamp(SHORTEST, LONGEST),
        ))
    }

    /// Takes note of an alarm, if there was one. Nothing to read, and nothing to lift, are no errors.
    fn quieten(&self) {
        let mut ignored = [0; 512];
        let _ = match &self.alarm {
            Alarm::Threshold(event) => rustix::io::read(event, &mut ignored[..8]),
            Alarm::High { events, high } => {
                rustix::io::pread(events, &mut ignored, 0).and_then(|_| rustix::io::pwrite(high, b"max", 0))
            }
        };
    }

    /// Sets the alarm again, if all memory together is below it and it comes early enough.
    fn set_alarm(&self, total: u64) -> bool {
        if total >= self.alarm_at || self.alarm_at > self.limit {
            return false;
        }
        match &self.alarm {
            Alarm::Threshold(_) => true,
            Alarm::High { high, .. } => high.write_at(self.alarm_at.to_string().as_bytes(), 0).is_ok(),
        }
    }
}

impl Arming<'_> {
    /// The descriptors that must stay open until it is carried out.
    pub(crate) fn descriptors(&self) -> [BorrowedFd<'_>; 3] {
        [self.control.as_fd(), self.event, self.total.as_fd()]
    }

    /// Carries it out.
    pub(crate) fn carry_out(&self) -> io::Result<()> {
        rustix::io::write(&self.control, self.order.as_bytes())?;
        Ok(())
    }
}

impl Home {
    /// The file that says how much memory is in use, all kinds together.
    fn total(&self) -> &'static str {
        match self.version {
            Version::V1 => "memory.usage_in_bytes",
            Version::V2 => "memory.current",
        }
    }
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
        home.read(group, file)
            .lines()
            .any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count != "0"))
    }
}
