//! What a /proc says of the processes in it.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::fs::{Dir, Mode, OFlags};

use crate::gauge::field;
use crate::isolation::ground::below;

/// The processes of an environment.
pub(super) struct Processes {
    /// A /proc that shows them.
    pub(super) proc: OwnedFd,
    /// The process that they are and are all below, if not all that it shows are the environment's.
    pub(super) below: Option<u32>,
}

/// Memory of an environment, in bytes: anonymous, and what is shared without being a file's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) anonymous: u64,
    pub(super) shared: u64,
}

/// What a look at all processes finds without waiting for any of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Their threads, the first of each among them.
    pub(super) threads: u64,
    /// The most memory they can have: what several have in common is counted for each of them.
    pub(super) most: Use,
    /// The least they can have: what the largest has.
    pub(super) least: Use,
}

/// Counts the threads of this many processes, and adds up what each process has.
pub(super) fn see(all: &Processes, at_most: usize) -> Seen {
    let statuses = all
        .numbers()
        .into_iter()
        .take(at_most)
        .filter_map(|pid| read(&all.proc, &format!("{pid}/status")));
    statuses.fold(Seen::default(), |seen, status| {
        let bytes = |key| field(&status, key).unwrap_or(0) * 1024;
        let found = Use {
            anonymous: bytes("RssAnon:"),
            shared: bytes("RssShmem:"),
        };
        Seen {
            threads: seen.threads + field(&status, "Threads:").unwrap_or(0),
            most: seen.most.with(found),
            least: seen.least.max(found),
        }
    })
}

/// What all processes together have. To say how often a page is shared, the kernel waits for each process to stop
/// changing its memory; that can be long.
pub(super) fn shares(all: &Processes) -> Use {
    let proc = &all.proc;
    let share = |pid| {
        let text = read(proc, &format!("{pid}/smaps_rollup")).unwrap_or_default();
        let bytes = |key| field(&text, key).unwrap_or(0) * 1024;
        Use {
            anonymous: bytes("Pss_Anon:"),
            shared: bytes("Pss_Shmem:"),
        }
    };
    all.numbers()
        .into_iter()
        .map(share)
        .fold(Use::default(), Use::with)
}

/// CPU time of this many processes and of those they have waited for.
pub(super) fn cpu_time(all: &Processes, at_most: usize) -> Duration {
    let times = all
        .numbers()
        .into_iter()
        .take(at_most)
        .filter_map(|pid| cpu_time_of(&all.proc, pid));
    times.sum()
}

impl Use {
    fn with(self, other: Self) -> Self {
        Self {
            anonymous: self.anonymous + other.anonymous,
            shared: self.shared + other.shared,
        }
    }

    /// The same with so many bytes less of each.
    pub(super) fn without(self, bytes: u64) -> Self {
        Self {
            anonymous: self.anonymous.saturating_sub(bytes),
            shared: self.shared.saturating_sub(bytes),
        }
    }

    fn max(self, other: Self) -> Self {
        Self {
            anonymous: self.anonymous.max(other.anonymous),
            shared: self.shared.max(other.shared),
        }
    }
}

impl Processes {
    /// Their numbers.
    fn numbers(&self) -> Vec<u32> {
        if let Some(first) = self.below {
            return below(first);
        }
        let entries = Dir::read_from(&self.proc).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().to_str().ok()?.parse().ok())
            .collect()
    }
}

fn cpu_time_of(proc: &OwnedFd, pid: u32) -> Option<Duration> {
    let text = read(proc, &format!("{pid}/stat"))?;
    // In front of the last parenthesis stands the name, which is the process's own choice.
    let (_, numbers) = text.rsplit_once(')')?;
    let mut numbers = numbers.split_ascii_whitespace();
    // utime, stime, cutime and cstime, the fields 14 to 17 of all.
    let ticks: u64 = (11..15)
        .map_while(|at| numbers.nth(if at == 11 { at } else { 0 })?.parse::<u64>().ok())
        .sum();
    let millis = ticks * 1000 / rustix::param::clock_ticks_per_second();
    Some(Duration::from_millis(millis))
}

/// The content of a file; none if the process has ended.
fn read(proc: &OwnedFd, path: &str) -> Option<String> {
    let file = rustix::fs::openat(proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    // Mostly enough, but who has thousands of groups has them in each status.
    let mut text = Vec::with_capacity(4096);
    File::from(file).take(1 << 20).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}
