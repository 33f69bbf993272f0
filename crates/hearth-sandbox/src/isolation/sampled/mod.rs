//! Bounds without control groups: memory is looked at every so often, and an environment that has too much is
//! killed. The number of processes is bounded by a resource limit, which the kernel counts per user namespace, and
//! a crowd of them has to stand back behind everybody else.
//!
//! Everything that is read here are numbers of the kernel's: names of processes are never looked at. The warden
//! reads only what the kernel tells without waiting; see `look.rs` for what it does not.

mod look;
mod processes;

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use rustix::event::epoll::EventFlags;
use rustix::fs::{MemfdFlags, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};

use super::bounds::{Bound, Bounds, Memory};
use super::limits::Limits;
use crate::sys;
use look::Look;
use processes::{Processes, Use};

/// The shortest time between two looks.
const SHORTEST: Duration = Duration::from_millis(50);
/// The longest.
const LONGEST: Duration = Duration::from_secs(1);
/// A look costs at most one part in so many of the time until the next.
const COST: u32 = 20;
/// Faster than this, in bytes per millisecond, nobody fills memory: about 4 GiB/s.
const FASTEST: u64 = 4 << 20;
/// The shortest time between two looks while a closer one is under way.
const LOOKING: Duration = Duration::from_millis(5);
/// More threads than this are a crowd.
const CROWD: u64 = 128;

/// What tells an environment's init that there is a crowd; see [`super::child`].
pub(super) const CROWDED: Signal = Signal::USR1;

/// The bounds of environments whose memory is sampled.
pub(crate) struct SampledBounds(Whose);

/// How the processes of an environment are told from others.
#[derive(Clone, Copy, Debug)]
enum Whose {
    /// They are all of a process namespace.
    Namespace,
    /// They are below its first process.
    Descendants,
}

impl SampledBounds {
    /// Where environments have process namespaces.
    pub(crate) fn of_namespaces() -> Self {
        Self(Whose::Namespace)
    }

    /// Where they have none.
    pub(crate) fn of_descendants() -> Self {
        Self(Whose::Descendants)
    }
}

/// One environment.
struct Sampled {
    limits: Limits,
    whose: Whose,
    /// What is looked at, once it has started.
    started: Option<Started>,
    /// What was found last, in the form of `memory.stat`.
    gauge: File,
    peak: u64,
    /// CPU time at the last look.
    cpu: Duration,
}

/// An environment that has started.
struct Started {
    processes: Processes,
    /// Who makes a crowd stand back. Nobody does without a namespace: it would be everybody of this user.
    init: Option<OwnedFd>,
    /// A closer look that is under way.
    look: Option<Look>,
}

impl Bounds for SampledBounds {
    fn make(&self, _name: &str, limits: Limits) -> io::Result<Box<dyn Bound>> {
        let gauge = rustix::fs::memfd_create("memory", MemfdFlags::CLOEXEC)?.into();
        Ok(Box::new(Sampled {
            limits,
            whose: self.0,
            started: None,
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
    fn entry(&self) -> io::Result<Option<OwnedFd>> {
        Ok(None)
    }

    fn inherited(&self) -> Vec<BorrowedFd<'_>> {
        Vec::new()
    }

    fn enter(&self) -> io::Result<()> {
        Ok(())
    }

    fn settle(&self, kept: &[BorrowedFd<'_>]) -> io::Result<()> {
        sys::close_from(0, kept)
    }

    fn started(&mut self, first: Pid) -> io::Result<Option<Duration>> {
        let number = first.as_raw_nonzero().get();
        let (path, below, init) = match self.whose {
            // Its root is the base, in which nobody can put another thing in this place.
            Whose::Namespace => {
                let init = rustix::process::pidfd_open(first, PidfdFlags::empty())?;
                (format!("/proc/{number}/root/proc"), None, Some(init))
            }
            Whose::Descendants => ("/proc".to_owned(), Some(number as u32), None),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let proc = match rustix::fs::open(path, flags, Mode::empty()) {
            // It has ended meanwhile, and its namespace with it.
            Err(Errno::NOENT | Errno::SRCH) => return Ok(None),
            opened => opened?,
        };
        self.started = Some(Started {
            processes: Processes { proc, below },
            init,
            look: None,
        });
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
        let begun = Instant::now();
        let Some(started) = &mut self.started else {
            return Memory::Within(Some(SHORTEST));
        };
        let seen = processes::see(&started.processes, usize::MAX);
        if seen.threads > CROWD {
            started.disperse();
        }
        let found = if fit(self.limits, seen.most) {
            started.look = None;
            Some(seen.most)
        } else {
            started.look_closer()
        };
        if let Some(found) = found {
            self.note(found.anonymous);
        }
        let least = found.unwrap_or_else(|| seen.least.without(inexact()));
        if !fit(self.limits, least) {
            return Memory::Exceeded;
        }
        let shortest = if found.is_some() { SHORTEST } else { LOOKING };
        let left = self.limits.anonymous_bytes().saturating_sub(seen.most.anonymous) / FASTEST;
        let cost = begun.elapsed() * COST;
        let wait = Duration::from_millis(left).max(cost).clamp(shortest, LONGEST);
        Memory::Within(Some(wait))
    }

    fn last_look(&mut self) {
        let Some(Started { processes, look, .. }) = &mut self.started else {
            return;
        };
        *look = None;
        // Of a crowd only a part: it shall not hold up its own end.
        let seen = processes::see(processes, CROWD as usize);
        // Those that are killed are not waited for.
        self.cpu = self.cpu.max(processes::cpu_time(processes, CROWD as usize));
        if fit(self.limits, seen.most) {
            self.note(seen.most.anonymous);
        }
    }

    fn ran_out_of_memory(&self) -> bool {
        false
    }

    fn gauge(&self) -> io::Result<OwnedFd> {
        let path = format!("/proc/self/fd/{}", self.gauge.as_raw_fd());
        Ok(rustix::fs::open(
            path,
            OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )?)
    }

    /// Stopping every process by a signal would show: to those that wait for one of them, to what the function had
    /// stopped itself, and a process that is being forked would run on.
    fn freezer(&self) -> io::Result<Option<OwnedFd>> {
        Ok(None)
    }

    fn peak(&self) -> u64 {
        self.peak
    }

    fn cpu_time(&self, waited: Duration) -> Duration {
        self.cpu.max(waited)
    }

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

impl Started {
    /// Has init make the crowd stand back. Who joins it while that happens does so the next time.
    fn disperse(&self) {
        if let Some(init) = &self.init {
            // One that has ended takes its crowd along.
            let _ = rustix::process::pidfd_send_signal(init, CROWDED);
        }
    }

    /// What the processes have, each page counted once. `None` as long as that is not known.
    fn look_closer(&mut self) -> Option<Use> {
        let look = match self.look.take().map_or_else(|| Look::begin(&self.processes), Ok) {
            Ok(look) => look,
            // There can be no other process now. Better to wait than not to know.
            Err(_) => return Some(processes::shares(&self.processes)),
        };
        let found = look.result();
        if matches!(found, Ok(None)) {
            self.look = Some(look);
        }
        found.unwrap_or_default()
    }
}

/// So many bytes the kernel may be wrong about what a process has mapped: each CPU keeps some pages to itself until
/// they are worth telling (`percpu_counter_batch`).
fn inexact() -> u64 {
    let cpus = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    cpus * (2 * cpus).max(32) * rustix::param::page_size() as u64
}

/// Whether memory is within the limits.
fn fit(limits: Limits, used: Use) -> bool {
    used.anonymous <= limits.anonymous_bytes() && used.anonymous + used.shared <= limits.charged_bytes()
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
            whose: Whose::Namespace,
            started: Some(Started {
                processes: Processes {
                    proc: proc.into(),
                    below: None,
                },
                init: None,
                look: None,
            }),
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
    fn without_a_namespace_the_first_process_and_those_below_it_are_looked_at() {
        let mut own = Sampled {
            whose: Whose::Descendants,
            ..watched(1024)
        };
        own.started(rustix::process::getpid()).unwrap();
        let block = vec![1_u8; 64 << 20];
        assert!(matches!(own.check(), Memory::Within(_)));
        assert!(own.peak() >= 64 << 20);
        drop(block);
    }

    #[test]
    fn cpu_time_is_seen() {
        let begun = Instant::now();
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
            started: None,
            ..watched(128)
        };
        assert_eq!(new.check(), Memory::Within(Some(SHORTEST)));
        assert_eq!(new.peak(), 0);
    }
}
