//! One event as it lies in a segment.
//!
//! ```text
//! u32 length of the body │ u32 CRC-32 of length and body │ body
//! body: i64 ingestion │ i64 timestamp │ u16 length of the stream's name │ name │ message
//! ```
//!
//! Numbers are little-endian, times are milliseconds since the Unix epoch. Reading stops at the
//! first record that does not check: nothing behind it can be trusted, since only its length says
//! where the next one starts.

use std::io::{self, Read};

use hearth_types::limits::LOG_EVENT;

/// Longest name of a log stream, in bytes: 512 characters of four bytes.
pub(crate) const MAX_STREAM: usize = 2048;

const HEADER: usize = 8;
const FIELDS: usize = 18;
const MAX_BODY: usize = FIELDS + MAX_STREAM + LOG_EVENT;

/// An event of a stream, borrowed from wherever it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) ingestion_ms: i64,
    pub(crate) timestamp_ms: i64,
    pub(crate) stream: &'a str,
    pub(crate) message: &'a str,
}

/// What the names of streams cannot have, and so marks a record whose event was deleted.
const BLANK: char = ':';

impl<'a> Record<'a> {
    /// The name of no stream, of so many bytes.
    pub(crate) fn blank_stream(length: usize) -> String {
        BLANK.to_string().repeat(length)
    }

    /// Whether the event was deleted. Its record stays, so that those behind it keep their places.
    pub(crate) fn is_blank(&self) -> bool {
        self.stream.starts_with(BLANK)
    }

    /// Appends the record's bytes. The stream's name and the message are within their limits.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let length = FIELDS + self.stream.len() + self.message.len();
        debug_assert!(self.stream.len() <= MAX_STREAM && self.message.len() <= LOG_EVENT);
        let start = out.len();
        out.reserve(HEADER + length);
        out.extend_from_slice(&(length as u32).to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.ingestion_ms.to_le_bytes());
        out.extend_from_slice(&self.timestamp_ms.to_le_bytes());
        out.extend_from_slice(&(self.stream.len() as u16).to_le_bytes());
        out.extend_from_slice(self.stream.as_bytes());
        out.extend_from_slice(self.message.as_bytes());
        let sum = checksum(length as u32, &out[start + HEADER..]);
        out[start + 4..start + HEADER].copy_from_slice(&sum.to_le_bytes());
    }

    fn decode(body: &'a [u8]) -> Option<Self> {
        let (ingestion, rest) = body.split_first_chunk()?;
        let (timestamp, rest) = rest.split_first_chunk()?;
        let (name_length, rest) = rest.split_first_chunk()?;
        let (stream, message) = rest.split_at_checked(u16::from_le_bytes(*name_length).into())?;
        Some(Self {
            ingestion_ms: i64::from_le_bytes(*ingestion),
            timestamp_ms: i64::from_le_bytes(*timestamp),
            stream: str::from_utf8(stream).ok()?,
            message: str::from_utf8(message).ok()?,
        })
    }
}

fn checksum(length: u32, body: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&length.to_le_bytes());
    sum.update(body);
    sum.finalize()
}

/// Why no further record could be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// The bytes at this place are not a whole record.
    #[error("the record is torn or damaged")]
    Damaged,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads one record after the other; what it lends lives until the next call.
pub(crate) struct RecordReader<R> {
    input: R,
    offset: u64,
    body: Vec<u8>,
}

impl<R: Read> RecordReader<R> {
    /// `offset` is where `input` begins in its segment.
    pub(crate) fn new(input: R, offset: u64) -> Self {
        Self {
            input,
            offset,
            body: Vec::new(),
        }
    }

    /// Where the next record starts: all before it has been read and is sound.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next record and where it starts; `None` at a clean end.
    pub(crate) fn read(&mut self) -> Result<Option<(u64, Record<'_>)>, RecordError> {
        let mut header = [0; HEADER];
        match fill(&mut self.input, &mut header)? {
            0 => return Ok(None),
            HEADER => {}
            _ => return Err(RecordError::Damaged),
        }
        let [a, b, c, d, sum @ ..] = header;
        let length = u32::from_le_bytes([a, b, c, d]);
        if !(FIELDS..=MAX_BODY).contains(&(length as usize)) {
            return Err(RecordError::Damaged);
        }
        self.body.resize(length as usize, 0);
        let read = fill(&mut self.input, &mut self.body)?;
        if read < self.body.len() || checksum(length, &self.body) != u32::from_le_bytes(sum) {
            return Err(RecordError::Damaged);
        }
        let record = Record::decode(&self.body).ok_or(RecordError::Damaged)?;
        let start = self.offset;
        self.offset += (HEADER + self.body.len()) as u64;
        Ok(Some((start, record)))
    }
}

/// Reads until `into` is full or the input ends; how much it got.
fn fill(input: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match input.read(&mut into[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Owned = (i64, i64, String, String);

    fn encode(records: &[Owned]) -> Vec<u8> {
        let mut out = Vec::new();
        for (ingestion_ms, timestamp_ms, stream, message) in records {
            let (ingestion_ms, timestamp_ms) = (*ingestion_ms, *timestamp_ms);
            Record {
                ingestion_ms,
                timestamp_ms,
                stream,
                message,
            }
            .encode(&mut out);
        }
        out
    }

    /// Every record up to the end or the first damage, and where that is.
    fn decode(bytes: &[u8]) -> (Vec<Owned>, u64) {
        let mut reader = RecordReader::new(bytes, 0);
        let mut records = Vec::new();
        while let Ok(Some((_, r))) = reader.read() {
            records.push((
                r.ingestion_ms,
                r.timestamp_ms,
                r.stream.to_owned(),
                r.message.to_owned(),
            ));
        }
        (records, reader.offset())
    }

    fn records() -> impl Strategy<Value = Vec<Owned>> {
        proptest::collection::vec(
            (any::<i64>(), any::<i64>(), "[a-z/\\[\\]é]{0,20}", ".{0,60}"),
            0..12,
        )
    }

    #[test]
    fn the_longest_record_passes() {
        let longest = (1, 2, "é".repeat(MAX_STREAM / 2), "m".repeat(LOG_EVENT));
        assert_eq!(decode(&encode(std::slice::from_ref(&longest))).0, [longest]);
    }

    #[test]
    fn zeroes_are_not_records() {
        assert_eq!(decode(&[0; 4096]), (vec![], 0));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(written in records()) {
            let bytes = encode(&written);
            prop_assert_eq!(decode(&bytes), (written, bytes.len() as u64));
        }

        #[test]
        fn a_torn_tail_costs_only_the_record_it_tears(written in records(), at in any::<prop::sample::Index>()) {
            let bytes = encode(&written);
            let torn = &bytes[..at.index(bytes.len() + 1)];
            let (read, end) = decode(torn);
            prop_assert_eq!(&written[..read.len()], &read);
            prop_assert!(end <= torn.len() as u64);
            if let Some(next) = written.get(read.len()) {
                prop_assert!(end + encode(std::slice::from_ref(next)).len() as u64 > torn.len() as u64);
            }
        }

        #[test]
        fn a_changed_byte_never_makes_a_record(
            written in records(), at in any::<prop::sample::Index>(), change in 1u8..,
        ) {
            let mut bytes = encode(&written);
            prop_assume!(!bytes.is_empty());
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            let (read, end) = decode(&bytes);
            prop_assert!(end <= at as u64);
            prop_assert_eq!(&written[..read.len()], &read);
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
            let (_, end) = decode(&bytes);
            prop_assert!(end <= bytes.len() as u64);
        }
    }
}
