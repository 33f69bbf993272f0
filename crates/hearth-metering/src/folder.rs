//! Folds complete journals into partitions, and deletes what is too old or too much.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, SystemTime};

use crate::MeteringOptions;
use crate::journal;
use crate::layer::Layer;
use crate::partition::{Grain, Partitions, Times};
use crate::series::{Minute, SeriesKey, minute};
use crate::shared::{Sealed, Shared};

/// How long to wait after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Folds journals.
pub(crate) struct Folder {
    shared: Arc<Shared>,
    journals: PathBuf,
    pub(crate) partitions: [Partitions; 2],
    pub(crate) options: MeteringOptions,
}

/// What there is for a partition.
type Part<'a> = BTreeMap<&'a SeriesKey, Times>;

impl Folder {
    pub(crate) fn new(shared: Arc<Shared>, root: &std::path::Path, options: MeteringOptions) -> Self {
        Self {
            shared,
            journals: journals(root),
            partitions: Grain::ALL.map(|grain| Partitions::new(root, grain)),
            options,
        }
    }

    /// Works until nobody tells of more.
    pub(crate) fn run(self, more: &Receiver<()>) {
        while more.recv().is_ok() {
            let mut failing = false;
            while let Err(error) = self.fold_all()
                && !self.shared.is_closing()
            {
                if !std::mem::replace(&mut failing, true) {
                    tracing::error!(%error, "journals of metering cannot be folded");
                }
                self.shared.pause(AFTER_FAILURE);
            }
        }
    }

    /// Folds all journals that are complete.
    pub(crate) fn fold_all(&self) -> io::Result<()> {
        while let Some(sealed) = self.next() {
            self.fold(&sealed)?;
        }
        self.expire(SystemTime::now())
    }

    /// The oldest journal that is complete.
    fn next(&self) -> Option<Arc<Sealed>> {
        self.shared.layers().sealed.first().cloned()
    }

    /// Moves a journal's counts to the partitions.
    fn fold(&self, sealed: &Sealed) -> io::Result<()> {
        self.prepare(sealed)?;
        {
            let _files = self.shared.files_mut();
            self.partitions.iter().try_for_each(Partitions::publish)?;
            self.shared
                .layers_mut()
                .sealed
                .retain(|other| other.journal != sealed.journal);
        }
        self.finish(sealed.journal)
    }

    /// Folds a journal at the start, when nobody reads.
    pub(crate) fn fold_now(&self, sealed: &Sealed) -> io::Result<()> {
        self.prepare(sealed)?;
        self.partitions.iter().try_for_each(Partitions::publish)?;
        self.finish(sealed.journal)
    }

    /// Writes the new partitions beside the old ones.
    pub(crate) fn prepare(&self, sealed: &Sealed) -> io::Result<()> {
        for partitions in &self.partitions {
            partitions.sweep()?;
            for (number, part) in parts(&sealed.counts, partitions.grain) {
                partitions.fold(number, sealed.journal, part)?;
            }
        }
        Ok(())
    }

    /// Deletes a journal whose counts are in the partitions.
    fn finish(&self, journal: u64) -> io::Result<()> {
        self.partitions.iter().try_for_each(Partitions::sync)?;
        journal::remove(&self.journals, journal)
    }

    /// Whether some of a journal's counts are in partitions: a crash came in between.
    pub(crate) fn is_half_folded(&self, sealed: &Sealed) -> io::Result<bool> {
        for partitions in &self.partitions {
            for number in parts(&sealed.counts, partitions.grain).keys() {
                if partitions.has_folded(*number, sealed.journal)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Deletes partitions that are too old, and the oldest while all are too large.
    pub(crate) fn expire(&self, now: SystemTime) -> io::Result<()> {
        let mut total = 0;
        let mut kept = Vec::new();
        for partitions in &self.partitions {
            let age = match partitions.grain {
                Grain::Minutes => self.options.minutes,
                Grain::Hours => self.options.hours,
            };
            let oldest = minute(now.checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH));
            for listed in partitions.list()? {
                if (listed.number + 1).saturating_mul(partitions.grain.span()) <= oldest {
                    self.remove(partitions, listed.number)?;
                } else {
                    total += listed.bytes;
                    kept.push((partitions, listed));
                }
            }
        }
        for (partitions, listed) in kept {
            if total <= self.options.total_bytes {
                break;
            }
            total -= listed.bytes;
            self.remove(partitions, listed.number)?;
        }
        Ok(())
    }

    fn remove(&self, partitions: &Partitions, number: u32) -> io::Result<()> {
        let _files = self.shared.files_mut();
        partitions.remove(number)
    }
}

/// Where the journals are.
pub(crate) fn journals(root: &std::path::Path) -> PathBuf {
    root.join("journal")
}

/// Divides counts by the partitions they belong to.
fn parts(counts: &Layer, grain: Grain) -> BTreeMap<u32, Part<'_>> {
    let mut parts: BTreeMap<u32, Part<'_>> = BTreeMap::new();
    for (minute, key, bucket) in counts.range(..) {
        let time: Minute = minute / grain.step() * grain.step();
        let part = parts.entry(minute / grain.span()).or_default();
        let times = part.entry(key).or_default();
        times.entry(time).or_default().merge(bucket);
    }
    parts
}
