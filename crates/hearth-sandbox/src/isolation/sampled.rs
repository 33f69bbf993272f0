//! Bounds without control groups: memory is looked at every so often, and an environment that has too much is
//! killed. The number of processes is bounded by a resource limit, which the kernel counts per user namespace.
//!
//! Everything that is read here are numbers of the kernel's: names of processes are never looked at.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use rustix::event::epoll::EventFlags;
use rustix::fs::{Dir, MemfdFlags, Mode, OFlags};
use rustix::process::Pid;

use super::bounds::{Bound, Bounds, Memory};
use super::limits::Limits;
use crate::gauge::field;
use crate::sys;

/// The shortest time between two looks.
const SHORTEST: Duration = Duration::from_millis(50);
/// The longest.
const LONGEST: Duration = Duration::from_secs(1);
/// Faster than this, in bytes per millisecond, nobody fills memory: about 4 GiB/s.
const FASTEST: u64 = 4 << 20;

/// The bounds of environments whose memory is sampled.
pub(crate) struct SampledBounds;

/// One environment.
struct Sampled {
    limits: Limits,
    /// Its own /proc, once it has started.
    proc: Option<OwnedFd>,
    /// What was found last, in the form of `memory.stat`.
    gauge: File,
    peak: u64,
    /// CPU time at the last look.
    cpu: Duration,
}

/// Memory of all processes of an environment, in bytes.
#[derive(Debug, Default)]
struct Use {
    anonymous: u64,
    shared: u64,
}

impl Bounds for SampledBounds {
    fn make(&self, _name: &str, limits: Limits) -> io::Result<Box<dyn Bound>> {
        let gauge = rustix::fs::memfd_create("memory", MemfdFlags::CLOEXEC)?.into();
        Ok(Box::new(Sampled {
            limits,
            proc: None,
            gauge,
            peak: 0,
            cpu: Duration::ZERO,
        }))
    }

    fn close(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

impl Bound for Sampled {
    fn entry(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn enter(&self) -> io::Result<()> {
        Ok(())
    }

    fn settle(&self, kept: &[BorrowedFd<'_>]) -> io::Result<()> {
        sys::close_from(0, kept)
    }

    fn started(&mut self, first: Pid) -> io::Result<Option<Duration>> {
        // Its root is the base, in which nobody can put another thing in this place.
        let path = format!("/proc/{}/root/proc", first.as_raw_nonzero());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        self.proc = Some(rustix::fs::open(path, flags, Mode::empty())?);
        Ok(Some(SHORTEST))
    }

    fn change(&mut self, limits: Limits) -> io::Result<()> {
        self.limits = limits;
        Ok(())
    }

    fn alarm(&self) -> Option<(BorrowedFd<'_>, EventFlags)> {
        None
    }

    fn check(&mut self) -> Memory {
        let Some(proc) = &self.proc else {
            return Memory::Within(Some(SHORTEST));
        };
        let limit = self.limits.anonymous_bytes();
        // What processes share is counted for each of them, so this is too much rather than too little.
        let (resident, mut found) = processes(proc).fold((0, Use::default()), |(sum, found), pid| {
            let (resident, shared) = resident(proc, pid).unwrap_or_default();
            let anonymous = found.anonymous + resident.saturating_sub(shared);
            (sum + resident, Use { anonymous, ..found })
        });
        if resident > limit {
            found = processes(proc).fold(Use::default(), |found, pid| found.add(&shares(proc, pid)));
        }
        self.note(found.anonymous);
        if found.anonymous > limit || found.anonymous + found.shared > self.limits.charged_bytes() {
            return Memory::Exceeded;
        }
        let left = Duration::from_millis(limit.saturating_sub(resident) / FASTEST);
        Memory::Within(Some(left.clamp(SHORTEST, LONGEST)))
    }

    fn last_look(&mut self) {
        self.check();
        if let Some(proc) = &self.proc {
            let times = processes(proc).filter_map(|pid| cpu_time(proc, pid));
            // Those that are killed are not waited for.
            self.cpu = self.cpu.max(times.sum());
        }
    }

    fn ran_out_of_memory(&self) -> bool {
        false
    }

    fn gauge(&self) -> io::Result<OwnedFd> {
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&self.gauge));
        Ok(rustix::fs::open(
            path,
            OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )?)
    }

    fn peak(&self) -> u64 {
        self.peak
    }

    fn cpu_time(&self, waited: Duration) -> Duration {
        self.cpu.max(waited)
    }

    fn thaw(&self) {}

    fn remove(&mut self) -> io::Result<bool> {
        Ok(true)
    }
}

impl Sampled {
    fn note(&mut self, anonymous: u64) {
        self.peak = self.peak.max(anonymous);
        // Always the same length, so that nobody reads half of it. It fails where memory is short, and then
        // shows the last figure.
        let _ = self
            .gauge
            .write_at(format!("anon {anonymous:020}\n").as_bytes(), 0);
    }
}

impl Use {
    fn add(self, other: &Self) -> Self {
        Self {
            anonymous: self.anonymous + other.anonymous,
            shared: self.shared + other.shared,
        }
    }
}

/// The numbers of the processes in a /proc.
fn processes(proc: impl AsFd) -> impl Iterator<Item = u32> {
    let entries = Dir::read_from(proc).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str().ok()?.parse().ok())
}

/// The resident memory of a process and the part of it that is mapped from files or shared, in bytes.
fn resident(proc: &OwnedFd, pid: u32) -> Option<(u64, u64)> {
    let text = read(proc, &format!("{pid}/statm"))?;
    let mut pages = text.split_ascii_whitespace().map(str::parse::<u64>).skip(1);
    let (resident, shared) = (pages.next()?.ok()?, pages.next()?.ok()?);
    let size = rustix::param::page_size() as u64;
    Some((resident * size, shared * size))
}

/// A process's share of the memory it has with others.
fn shares(proc: &OwnedFd, pid: u32) -> Use {
    let text = read(proc, &format!("{pid}/smaps_rollup")).unwrap_or_default();
    let bytes = |key| field(&text, key).unwrap_or(0) * 1024;
    Use {
        anonymous: bytes("Pss_Anon:"),
        shared: bytes("Pss_Shmem:"),
    }
}

/// CPU time of a process and of those it has waited for.
fn cpu_time(proc: &OwnedFd, pid: u32) -> Option<Duration> {
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

/// The content of a small file; none if the process has ended.
fn read(proc: &OwnedFd, path: &str) -> Option<String> {
    let file = rustix::fs::openat(proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut text = vec![0; 4096];
    let length = rustix::io::read(&file, &mut text).ok()?;
    text.truncate(length);
    Some(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(memory_mb: u32) -> Sampled {
        let directory = tempfile::tempdir().unwrap();
        // A /proc with one process: this one.
        let own = directory.path().join(std::process::id().to_string());
        std::os::unix::fs::symlink(format!("/proc/{}", std::process::id()), own).unwrap();
        let limits = Limits {
            memory_mb,
            ephemeral_mb: 512,
        };
        let gauge = File::from(rustix::fs::memfd_create("memory", MemfdFlags::CLOEXEC).unwrap());
        let proc = File::open(directory.path()).unwrap();
        // Keep the directory: it is looked at through the descriptor.
        let _ = directory.keep();
        Sampled {
            limits,
            proc: Some(proc.into()),
            gauge,
            peak: 0,
            cpu: Duration::ZERO,
        }
    }

    #[test]
    fn memory_is_seen_and_bounded() {
        let block = vec![1_u8; 64 << 20];
        let mut roomy = watched(1024);
        assert!(matches!(roomy.check(), Memory::Within(Some(wait)) if (SHORTEST..=LONGEST).contains(&wait)));
        assert!(roomy.peak() >= 64 << 20);
        let text = io::read_to_string(File::from(roomy.gauge().unwrap())).unwrap();
        assert_eq!(crate::gauge::anonymous(&text), Some(roomy.peak()));
        assert_eq!(watched(32).check(), Memory::Exceeded);
        drop(block);
    }

    #[test]
    fn cpu_time_is_seen() {
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(60) {
            std::hint::black_box(0);
        }
        let mut watched = watched(1024);
        watched.last_look();
        let (seen, long) = (watched.cpu_time(Duration::ZERO), Duration::from_secs(3600));
        assert!(seen >= Duration::from_millis(10), "{seen:?}");
        assert_eq!(watched.cpu_time(long), long);
    }

    #[test]
    fn an_environment_that_has_not_started_has_no_memory() {
        let mut new = Sampled {
            proc: None,
            ..watched(128)
        };
        assert_eq!(new.check(), Memory::Within(Some(SHORTEST)));
        assert_eq!(new.peak(), 0);
    }
}
