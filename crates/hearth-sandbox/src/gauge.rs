//! How much memory an environment uses.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How old a recent figure may be. The kernel writes some hundred lines for a new one, which takes longer than a
/// short invocation.
const RECENT: Duration = Duration::from_millis(10);

/// Reads an environment's memory use through descriptors the warden opened. Reading never blocks for long:
/// the files are the kernel's.
#[derive(Debug)]
pub struct MemoryGauge(Box<Gauge>);

#[derive(Debug)]
struct Gauge {
    source: Source,
    peak: AtomicU64,
    made: Instant,
    /// Microseconds after that, when the peak was last asked for; 0 if it never was.
    asked: AtomicU64,
}

#[derive(Debug)]
enum Source {
    Kernel {
        /// `memory.stat` of the environment's control group.
        group: File,
        /// `/proc/<pid>/status` of the interpreter.
        process: File,
    },
    Fixed(u64),
}

impl MemoryGauge {
    /// A gauge that reads `memory.stat` of a control group (either version) and `status` of its main process.
    pub fn new(group: OwnedFd, process: OwnedFd) -> Self {
        let source = Source::Kernel {
            group: group.into(),
            process: process.into(),
        };
        Self::of(source, 0)
    }

    /// A gauge that always shows the same figure, for stand-ins of the sandbox.
    pub fn fixed(bytes: u64) -> Self {
        Self::of(Source::Fixed(bytes), bytes)
    }

    fn of(source: Source, peak: u64) -> Self {
        Self(Box::new(Gauge {
            source,
            peak: AtomicU64::new(peak),
            made: Instant::now(),
            asked: AtomicU64::new(0),
        }))
    }

    /// Anonymous memory of all processes together, in bytes: what the memory limit counts. Page cache and
    /// /tmp are not in it. 0 once the environment has ended.
    pub fn current_bytes(&self) -> u64 {
        let bytes = match &self.0.source {
            Source::Kernel { group, .. } => read(group).as_deref().and_then(anonymous).unwrap_or(0),
            Source::Fixed(bytes) => *bytes,
        };
        self.0.peak.fetch_max(bytes, Relaxed);
        bytes
    }

    /// The most memory seen so far, in bytes: the larger of the interpreter's peak resident set, which the
    /// kernel keeps exactly and which counts mapped files, and the largest figure [`Self::current_bytes`]
    /// ever gave, which counts child processes too. Mapped files can lift it above the memory limit.
    pub fn peak_bytes(&self) -> u64 {
        self.0.asked.store(self.micros().max(1), Relaxed);
        self.current_bytes();
        if let Source::Kernel { process, .. } = &self.0.source
            && let Some(bytes) = read(process).as_deref().and_then(high_water_mark)
        {
            self.0.peak.fetch_max(bytes, Relaxed);
        }
        self.0.peak.load(Relaxed)
    }

    /// The same as it was at most 10 ms ago. What is missed comes with the next figure, since the kernel keeps the
    /// interpreter's peak.
    pub fn recent_peak_bytes(&self) -> u64 {
        let asked = self.0.asked.load(Relaxed);
        let age = Duration::from_micros(self.micros().saturating_sub(asked));
        match asked > 0 && age < RECENT {
            true => self.0.peak.load(Relaxed),
            false => self.peak_bytes(),
        }
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.0.made.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

fn read(file: &File) -> Option<String> {
    let mut text = vec![0; 8192];
    let length = file.read_at(&mut text, 0).ok()?;
    text.truncate(length);
    String::from_utf8(text).ok()
}

/// `total_rss` of version 1, `anon` of version 2, in bytes.
pub(crate) fn anonymous(stat: &str) -> Option<u64> {
    field(stat, "total_rss").or_else(|| field(stat, "anon"))
}

/// `VmHWM:     1234 kB` of a process status, in bytes.
fn high_water_mark(status: &str) -> Option<u64> {
    field(status, "VmHWM:").map(|kib| kib * 1024)
}

/// The number after a key that starts a line.
pub(crate) fn field(text: &str, key: &str) -> Option<u64> {
    let mut lines = text.lines().map(str::split_ascii_whitespace);
    lines.find_map(|mut words| {
        (words.next()? == key)
            .then(|| words.next()?.parse().ok())
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_in_both_versions() {
        assert_eq!(anonymous("cache 5\nrss 1\ntotal_rss 4096\n"), Some(4096));
        assert_eq!(anonymous("anon 8192\nfile 3\nanon_thp 0\n"), Some(8192));
        assert_eq!(anonymous("total_rss_huge 1\n"), None);
        assert_eq!(
            high_water_mark("Name:\tnode\nVmHWM:\t   1720 kB\n"),
            Some(1720 * 1024)
        );
    }

    #[test]
    fn the_peak_never_falls() {
        let gauge = MemoryGauge::fixed(7);
        assert_eq!((gauge.current_bytes(), gauge.peak_bytes()), (7, 7));
    }

    #[test]
    fn a_recent_figure_is_read_again_when_it_is_old() {
        let (group, process) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let show = |bytes: u64| {
            group
                .write_all_at(format!("anon {bytes}\n").as_bytes(), 0)
                .unwrap()
        };
        show(5);
        let gauge = MemoryGauge::new(group.try_clone().unwrap().into(), process.into());
        assert_eq!(gauge.recent_peak_bytes(), 5);
        show(9);
        let recent = gauge.recent_peak_bytes();
        let was_recent = gauge.0.made.elapsed() < RECENT;
        assert!(recent == 5 || !was_recent, "{recent}");
        while gauge.recent_peak_bytes() != 9 {
            std::thread::yield_now();
        }
        show(7);
        assert_eq!(gauge.peak_bytes(), 9);
    }

    #[test]
    fn a_gauge_reads_the_kernels_files() {
        let open = |path: &str| OwnedFd::from(File::open(path).unwrap());
        let gauge = MemoryGauge::new(open("/proc/self/status"), open("/proc/self/status"));
        assert!(gauge.peak_bytes() > 0);
    }
}
