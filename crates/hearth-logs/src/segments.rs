//! The segment files of one log group: the newest is appended to, the oldest are dropped.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::batch::{Batch, Span};
use crate::scan::Scan;

const SUFFIX: &str = ".log";
/// Bytes between two marks.
const MARK_BYTES: u64 = 64 * 1024;
/// Ends the name of a copy that is about to take a segment's place.
pub(crate) const COPY: &str = "new";

/// One file of records, named by when it was begun, so that names sort by age.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    /// When it was begun, in milliseconds since the Unix epoch; unique and rising in its group.
    pub(crate) id: u64,
    /// Bytes of whole records; anything behind them was never acknowledged.
    pub(crate) bytes: u64,
    /// When it was last written to.
    pub(crate) written_ms: i64,
    /// The timestamps in it, once known.
    pub(crate) span: Option<Span>,
    /// Places in it, in order, so that who looks for late events need not read the early ones.
    pub(crate) marks: Vec<Mark>,
}

/// A record's place in a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    offset: u64,
    /// The latest timestamp before it.
    before_ms: i64,
}

impl Segment {
    /// A place before which there is nothing from a time on.
    pub(crate) fn start_for(&self, from_ms: i64) -> u64 {
        let early = self.marks.partition_point(|mark| mark.before_ms < from_ms);
        early.checked_sub(1).map_or(0, |last| self.marks[last].offset)
    }

    /// Marks the place where the next batch goes, if the last mark is far.
    fn mark(&mut self) {
        let last = self.marks.last().map_or(0, |mark| mark.offset);
        if let Some(span) = self.span.filter(|_| self.bytes >= last + MARK_BYTES) {
            self.marks.push(Mark {
                offset: self.bytes,
                before_ms: span.last_ms,
            });
        }
    }

    /// The file's name.
    pub(crate) fn file(&self) -> String {
        format!("{:020}{SUFFIX}", self.id)
    }

    /// The id in a file's name; `None` for files that are not segments.
    pub(crate) fn id_of(file: &str) -> Option<u64> {
        let digits = file.strip_suffix(SUFFIX)?;
        (digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
    }
}

/// All segments of a group, oldest first. Only the writer changes them.
#[derive(Debug)]
pub(crate) struct Segments {
    dir: PathBuf,
    list: VecDeque<Segment>,
    newest: Newest,
    /// The highest id ever used, so that none is used twice.
    last_id: u64,
}

/// Whether the newest segment can be appended to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Newest {
    /// Found at start: its tail may be torn.
    Unchecked,
    Open,
    /// A failure left its tail unsure: the next batch begins another.
    Sealed,
}

impl Segments {
    /// `list` is what was found in `dir`, in any order.
    pub(crate) fn new(dir: PathBuf, mut list: Vec<Segment>) -> Self {
        list.sort_by_key(|segment| segment.id);
        let newest = if list.is_empty() {
            Newest::Open
        } else {
            Newest::Unchecked
        };
        let last_id = list.last().map_or(0, |segment| segment.id);
        Self {
            dir,
            list: list.into(),
            newest,
            last_id,
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.list.iter().map(|segment| segment.bytes).sum()
    }

    pub(crate) fn list(&self) -> impl DoubleEndedIterator<Item = &Segment> {
        self.list.iter()
    }

    /// Cuts off what a crash left half-written; how many bytes that were.
    pub(crate) fn recover(&mut self) -> io::Result<u64> {
        if self.newest != Newest::Unchecked {
            return Ok(0);
        }
        self.newest = Newest::Sealed;
        let Some(segment) = self.list.back_mut() else {
            return Ok(0);
        };
        let path = self.dir.join(segment.file());
        let mut scan = Scan::open(&path, 0, segment.bytes)?;
        while scan.read()?.is_some() {}
        let torn = segment.bytes - scan.offset();
        if torn > 0 {
            OpenOptions::new()
                .write(true)
                .open(&path)?
                .set_len(scan.offset())?;
        }
        segment.bytes = scan.offset();
        segment.span = scan.span();
        self.newest = Newest::Open;
        Ok(torn)
    }

    /// Notes what a reader learnt about a segment that this process did not write itself.
    pub(crate) fn learn(&mut self, id: u64, span: Span) {
        if let Some(segment) = self.list.iter_mut().find(|segment| segment.id == id) {
            segment.span.get_or_insert(span);
        }
    }

    /// Writes a batch behind everything else. On an error nothing of it is kept.
    pub(crate) fn write(&mut self, batch: &Batch, now_ms: i64, limits: &Limits) -> io::Result<Written> {
        let fresh = self.needs_another(batch.bytes.len() as u64, now_ms, limits);
        if fresh {
            self.begin(now_ms);
        }
        let segment = self.list.back_mut().expect("one was begun if there was none");
        let path = self.dir.join(segment.file());
        let file = create(&path)?;
        if let Err(error) = file.write_all_at(&batch.bytes, segment.bytes) {
            if file.set_len(segment.bytes).is_err() {
                self.newest = Newest::Sealed;
            }
            return Err(error);
        }
        segment.mark();
        segment.span = Span::join(segment.span, batch.span);
        segment.bytes += batch.bytes.len() as u64;
        segment.written_ms = now_ms;
        Ok(Written { path, fresh })
    }

    fn needs_another(&self, more: u64, now_ms: i64, limits: &Limits) -> bool {
        let Some(newest) = self.list.back() else {
            return true;
        };
        let age = now_ms.saturating_sub_unsigned(newest.id).max(0) as u128;
        self.newest == Newest::Sealed
            || newest.bytes > 0 && (newest.bytes + more > limits.bytes || age > limits.age.as_millis())
    }

    fn begin(&mut self, now_ms: i64) {
        // What a failed write may have left behind is no segment.
        self.list.retain(|segment| segment.bytes > 0);
        self.last_id = (self.last_id + 1).max(now_ms.max(0) as u64);
        self.list.push_back(Segment {
            id: self.last_id,
            bytes: 0,
            written_ms: now_ms,
            span: None,
            marks: Vec::new(),
        });
        self.newest = Newest::Open;
    }

    /// Deletes the oldest segment, even the one being written; its size, `None` if there is none.
    pub(crate) fn drop_oldest(&mut self) -> Option<u64> {
        let oldest = self.list.pop_front()?;
        let path = self.dir.join(oldest.file());
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "cannot delete old logs");
            }
            _ => {}
        }
        if self.list.is_empty() {
            // Fails while anything else lies there, which is as it should be.
            let _ = fs::remove_dir(&self.dir);
        }
        Some(oldest.bytes)
    }

    /// Deletes every segment; how many bytes those were, and whether that is all of them.
    pub(crate) fn clear(&mut self) -> (u64, io::Result<()>) {
        let mut freed = 0;
        while let Some(oldest) = self.list.front() {
            match fs::remove_file(self.dir.join(oldest.file())) {
                Err(error) if error.kind() != ErrorKind::NotFound => return (freed, Err(error)),
                _ => {}
            }
            freed += oldest.bytes;
            self.list.pop_front();
        }
        // Fails while anything else lies there, which is as it should be.
        let _ = fs::remove_dir(&self.dir);
        (freed, Ok(()))
    }

    /// The next batch begins another segment.
    pub(crate) fn seal(&mut self) {
        self.newest = Newest::Sealed;
    }

    /// Where everything that is written ends: the newest segment and its length.
    pub(crate) fn end(&self) -> (u64, u64) {
        self.list
            .back()
            .map_or((0, 0), |newest| (newest.id, newest.bytes))
    }

    /// Deletes every segment last written before `cutoff_ms`; how many bytes those were.
    pub(crate) fn expire(&mut self, cutoff_ms: i64) -> u64 {
        let mut freed = 0;
        while self
            .list
            .front()
            .is_some_and(|oldest| oldest.written_ms < cutoff_ms)
        {
            freed += self.drop_oldest().unwrap_or(0);
        }
        freed
    }
}

/// When a segment is closed and another begun.
pub(crate) struct Limits {
    /// Its size.
    pub(crate) bytes: u64,
    /// Its age.
    pub(crate) age: Duration,
}

/// Where a batch went.
pub(crate) struct Written {
    pub(crate) path: PathBuf,
    /// The file was made for it.
    pub(crate) fresh: bool,
}

/// Opens a segment for writing. It stays open for one batch only, so that thousands of groups
/// need no more descriptors than one.
fn create(path: &Path) -> io::Result<File> {
    let open = || {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
    };
    match open() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(path.parent().expect("a segment lies in its group's directory"))?;
            open()
        }
        opened => opened,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::Record;

    proptest! {
        #[test]
        fn nothing_late_stands_before_a_mark(times in prop::collection::vec(0i64..1000, 1..60), from in 0i64..1000) {
            let dir = tempfile::tempdir().unwrap();
            let mut segments = Segments::new(dir.path().to_owned(), Vec::new());
            let limits = Limits { bytes: u64::MAX, age: Duration::MAX };
            let message = "x".repeat(20_000);
            let mut places = Vec::new();
            for time in times {
                let mut batch = Batch::default();
                batch.push(&Record { ingestion_ms: 0, timestamp_ms: time, stream: "s", message: &message });
                places.push((segments.end().1, time));
                segments.write(&batch, 0, &limits).unwrap();
            }
            let segment = segments.list().next().unwrap();
            let start = segment.start_for(from);
            prop_assert!(places.iter().all(|(offset, time)| *offset >= start || *time < from));
            prop_assert!(start == 0 || places.iter().any(|(offset, _)| *offset == start));
        }
    }
}
