//! Partitions: what was counted in an hour by minute, or in a day by hour, as a file.
//!
//! A partition begins with [`MAGIC`], then come frames: the number of the last journal that is folded into it, one per
//! series with its key and its buckets in the order of time, and an empty one at the end. Series are sorted by their
//! keys. A partition never changes: folding writes a new one beside it and puts it in its place.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::Bucket;
use crate::codec::{Reader, put, put_bucket, put_key};
use crate::frame::{self, FrameError};
use crate::journal::sync_directory;
use crate::series::{Minute, SeriesKey};

const MAGIC: &[u8] = b"hearth metering partition 1\n";
/// The ending of a file that is being written.
const UNFINISHED: &str = "new";

/// How finely partitions tell times apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grain {
    /// A file per hour, in which minutes are told apart.
    Minutes,
    /// A file per day, in which hours are told apart.
    Hours,
}

impl Grain {
    pub(crate) const ALL: [Self; 2] = [Self::Minutes, Self::Hours];

    /// The directory of its partitions.
    pub(crate) fn directory(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Hours => "hours",
        }
    }

    /// Minutes in what it tells apart.
    pub(crate) fn step(self) -> Minute {
        match self {
            Self::Minutes => 1,
            Self::Hours => 60,
        }
    }

    /// Minutes in a partition.
    pub(crate) fn span(self) -> Minute {
        match self {
            Self::Minutes => 60,
            Self::Hours => 24 * 60,
        }
    }
}

/// The counts of one series, by time.
pub(crate) type Times = BTreeMap<Minute, Bucket>;

/// The partitions of one grain.
#[derive(Debug)]
pub(crate) struct Partitions {
    dir: PathBuf,
    pub(crate) grain: Grain,
}

/// One partition that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The number of spans since the Unix epoch, which is its name.
    pub(crate) number: u32,
    /// Its size.
    pub(crate) bytes: u64,
}

impl Partitions {
    pub(crate) fn new(root: &Path, grain: Grain) -> Self {
        Self {
            dir: root.join(grain.directory()),
            grain,
        }
    }

    /// Those that there are, oldest first.
    pub(crate) fn list(&self) -> io::Result<Vec<Listed>> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry?;
            let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            match entry.metadata() {
                Ok(metadata) => all.push(Listed {
                    number,
                    bytes: metadata.len(),
                }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        all.sort_unstable_by_key(|listed| listed.number);
        Ok(all)
    }

    /// Opens a partition, if there is one.
    pub(crate) fn open(&self, number: u32) -> io::Result<Option<PartitionReader>> {
        match File::open(self.path(number)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            file => PartitionReader::new(file?, self.path(number)).map(Some),
        }
    }

    /// Whether a journal has been folded into a partition.
    pub(crate) fn has_folded(&self, number: u32, journal: u64) -> io::Result<bool> {
        let existing = self.open(number)?;
        Ok(existing.is_some_and(|existing| existing.folded >= journal))
    }

    /// Folds what a journal has for a partition into a copy of it, unless it has been already. The copy, which is on
    /// disk, takes its place with [`Self::publish`].
    pub(crate) fn fold(
        &self,
        number: u32,
        journal: u64,
        mut more: BTreeMap<&SeriesKey, Times>,
    ) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let existing = self.open(number)?;
        if existing
            .as_ref()
            .is_some_and(|existing| existing.folded >= journal)
        {
            return Ok(());
        }
        let aside = self.path(number).with_extension(UNFINISHED);
        let mut out = PartitionWriter::create(&aside, journal)?;
        for series in existing.into_iter().flatten() {
            let mut series = series?;
            while let Some(next) = more.first_entry()
                && *next.key() < &series.key
            {
                let (key, times) = next.remove_entry();
                out.write(key, &times)?;
            }
            for (time, bucket) in more.remove(&series.key).unwrap_or_default() {
                series.times.entry(time).or_default().merge(&bucket);
            }
            out.write(&series.key, &series.times)?;
        }
        for (key, times) in more {
            out.write(key, &times)?;
        }
        out.finish()
    }

    /// Puts the copies that are written in the places of their originals.
    pub(crate) fn publish(&self) -> io::Result<()> {
        self.unfinished(|copy| fs::rename(copy, copy.with_extension("")))
    }

    /// Brings the names of the partitions to the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match sync_directory(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            synced => synced,
        }
    }

    /// Removes the copies that a crash or a full disk left: nobody knows whether they are whole.
    pub(crate) fn sweep(&self) -> io::Result<()> {
        self.unfinished(|copy| fs::remove_file(copy))
    }

    fn unfinished(&self, each: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == UNFINISHED) {
                each(&path)?;
            }
        }
        Ok(())
    }

    /// Deletes a partition.
    pub(crate) fn remove(&self, number: u32) -> io::Result<()> {
        fs::remove_file(self.path(number))
    }

    fn path(&self, number: u32) -> PathBuf {
        self.dir.join(number.to_string())
    }
}

/// One series of a partition.
#[derive(Debug, PartialEq)]
pub(crate) struct PartitionSeries {
    pub(crate) key: SeriesKey,
    pub(crate) times: Times,
}

/// Reads a partition from its beginning.
#[derive(Debug)]
pub(crate) struct PartitionReader {
    /// The last journal that is in it; those before are too.
    pub(crate) folded: u64,
    input: BufReader<File>,
    path: PathBuf,
    body: Vec<u8>,
    ended: bool,
}

impl PartitionReader {
    fn new(file: File, path: PathBuf) -> io::Result<Self> {
        let mut reader = Self {
            folded: 0,
            input: BufReader::new(file),
            path,
            body: Vec::new(),
            ended: false,
        };
        let mut magic = Vec::new();
        reader
            .input
            .by_ref()
            .take(MAGIC.len() as u64)
            .read_to_end(&mut magic)?;
        reader.folded = match (magic == MAGIC && reader.next_frame()?).then_some(&*reader.body) {
            Some(head) => Reader(head).number().unwrap_or_default(),
            None => reader.damaged(),
        };
        Ok(reader)
    }

    /// Reads the next series whose key is wanted: others are not looked into.
    pub(crate) fn next_of(
        &mut self,
        wanted: impl Fn(&SeriesKey) -> bool,
    ) -> io::Result<Option<PartitionSeries>> {
        while self.next_frame()? {
            let mut reader = Reader(&self.body);
            let Some(key) = reader.key() else {
                self.damaged();
                break;
            };
            if !wanted(&key) {
                continue;
            }
            let mut times = Times::new();
            while let Some((time, bucket)) = reader.bucket() {
                times.insert(time, bucket);
            }
            return Ok(Some(PartitionSeries { key, times }));
        }
        Ok(None)
    }

    /// Reads a frame; whether it is one of a series.
    fn next_frame(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        match frame::read(&mut self.input, &mut self.body) {
            Ok(true) if !self.body.is_empty() => return Ok(true),
            Ok(true) => {}
            Ok(false) | Err(FrameError::Damaged) => {
                self.damaged();
            }
            Err(FrameError::Io(error)) => return Err(error),
        }
        self.ended = true;
        Ok(false)
    }

    /// Partitions are written whole: a disk has lost something. What can be read counts.
    fn damaged(&mut self) -> u64 {
        tracing::error!(path = %self.path.display(), "metering is damaged: what was counted then is not complete");
        self.ended = true;
        self.folded
    }
}

impl Iterator for PartitionReader {
    type Item = io::Result<PartitionSeries>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_of(|_| true).transpose()
    }
}

struct PartitionWriter {
    out: BufWriter<File>,
    frame: Vec<u8>,
}

impl PartitionWriter {
    fn create(path: &Path, folded: u64) -> io::Result<Self> {
        let mut writer = Self {
            out: BufWriter::new(File::create(path)?),
            frame: Vec::new(),
        };
        writer.out.write_all(MAGIC)?;
        writer.frame(|body| put(body, folded))?;
        Ok(writer)
    }

    fn write(&mut self, key: &SeriesKey, times: &Times) -> io::Result<()> {
        self.frame(|body| {
            put_key(body, key);
            times
                .iter()
                .for_each(|(time, bucket)| put_bucket(body, *time, bucket));
        })
    }

    fn finish(mut self) -> io::Result<()> {
        self.frame(|_| {})?;
        self.out.into_inner()?.sync_all()
    }

    fn frame(&mut self, fill: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        self.frame.clear();
        let start = frame::begin(&mut self.frame);
        fill(&mut self.frame);
        frame::end(&mut self.frame, start);
        self.out.write_all(&self.frame)
    }
}
