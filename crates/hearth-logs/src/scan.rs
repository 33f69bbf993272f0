//! Reading one segment from front to back.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom, Take};
use std::path::Path;

use crate::batch::Span;
use crate::record::{Record, RecordError, RecordReader};

const BUFFER: usize = 64 << 10;

/// A pass over a segment's records, from some record's start to a known end.
pub(crate) struct Scan {
    records: Option<RecordReader<Take<BufReader<File>>>>,
    offset: u64,
    span: Option<Span>,
}

impl Scan {
    /// Reads `from..to` of the segment. One that was dropped meanwhile has no records.
    pub(crate) fn open(path: &Path, from: u64, to: u64) -> io::Result<Self> {
        let records = match File::open(path) {
            Ok(mut file) => {
                file.seek(SeekFrom::Start(from))?;
                let input = BufReader::with_capacity(BUFFER, file).take(to.saturating_sub(from));
                Some(RecordReader::new(input, from))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Self {
            records,
            offset: from,
            span: None,
        })
    }

    /// The next record and where it starts; `None` at the end or at the first that is damaged.
    pub(crate) fn read(&mut self) -> io::Result<Option<(u64, Record<'_>)>> {
        let Some(records) = &mut self.records else {
            return Ok(None);
        };
        match records.read() {
            Ok(Some((offset, record))) => {
                self.span = Span::join(self.span, Some(Span::at(record.timestamp_ms)));
                Ok(Some((offset, record)))
            }
            Ok(None) | Err(RecordError::Damaged) => Ok(None),
            Err(RecordError::Io(error)) => Err(error),
        }
    }

    /// Where the first record not yet read starts.
    pub(crate) fn offset(&self) -> u64 {
        self.records.as_ref().map_or(self.offset, RecordReader::offset)
    }

    /// The timestamps read so far.
    pub(crate) fn span(&self) -> Option<Span> {
        self.span
    }
}
