//! What a function printed, cut into log events.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Buf, BytesMut};
use hearth_types::limits::LOG_EVENT;
use hearth_types::time::unix_millis;
use hearth_types::{LogEvent, limits};

use crate::logging::{LogLevel, level_of_line};

/// The bytes that begin a framed event; the fourth byte tells format and level.
const FRAME_MARK: [u8; 3] = [0xa5, 0x5a, 0x00];
/// Type, length and timestamp in front of a framed event.
const FRAME_HEADER_BYTES: usize = 16;
/// How far back a frame may date its event.
const OLDEST: Duration = Duration::from_secs(*limits::TIMEOUT_SECONDS.end() as u64);

/// Cuts the bytes of an environment's log pipe into events.
///
/// Plain bytes end their event at a line feed, or where a frame begins: u32 type `0xa55a00xx`, u32 length,
/// u64 microseconds since the Unix epoch (all big-endian), then that many bytes, which may contain line
/// feeds. What is longer than [`limits::LOG_EVENT`] becomes several events, so that a function which never
/// ends its line cannot make anyone hold more than that.
#[derive(Debug)]
pub struct LogSplitter {
    bytes: BytesMut,
    /// How much of `bytes` was searched for the end of its line, so that nothing is searched twice.
    searched: usize,
    limit: usize,
    /// Below it, events are dropped.
    threshold: Option<LogLevel>,
    /// The date of the last line, which frames behind it are not before.
    line_ms: i64,
}

impl Default for LogSplitter {
    fn default() -> Self {
        Self {
            bytes: BytesMut::new(),
            searched: 0,
            limit: LOG_EVENT,
            threshold: None,
            line_ms: i64::MIN,
        }
    }
}

impl LogSplitter {
    /// A splitter at the beginning of a pipe.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on, drops what is below a level: frames by the level in their type, and unframed JSON objects by their
    /// `level`, or as INFO where they have none. Other text has no level and is kept.
    pub fn keep_from(&mut self, threshold: LogLevel) {
        self.threshold = Some(threshold);
    }

    /// Takes bytes that were read just after `now` and appends the events they complete.
    pub fn push(&mut self, bytes: &[u8], now: SystemTime, events: &mut Vec<LogEvent>) {
        self.bytes.extend_from_slice(bytes);
        let first = events.len();
        let mut last_line = None;
        while let Some(mut piece) = self.next_piece(now) {
            let framed = piece.framed;
            if framed {
                piece.event.timestamp_ms = piece.event.timestamp_ms.max(self.line_ms);
            }
            if let Some(event) = self.wanted(piece) {
                last_line = if framed { last_line } else { Some(events.len()) };
                events.push(event);
            }
        }
        in_order(&mut events[first..]);
        if let Some(line) = last_line {
            self.line_ms = events[line].timestamp_ms;
        }
    }

    /// Gives what is left of an unfinished line or frame: the invocation or the process has ended.
    pub fn flush(&mut self, now: SystemTime) -> Option<LogEvent> {
        self.searched = 0;
        if let Some(frame) = FrameHeader::parse(&self.bytes) {
            self.bytes.advance(FRAME_HEADER_BYTES);
            let piece = Piece::framed(&self.bytes.split(), &frame, now);
            return self.wanted(piece);
        }
        if self.bytes.is_empty() {
            return None;
        }
        let piece = Piece::line(&self.bytes.split(), now);
        self.wanted(piece)
    }

    fn wanted(&self, piece: Piece) -> Option<LogEvent> {
        let wanted = self.threshold.is_none_or(|threshold| {
            let level = match piece.framed {
                true => piece.level,
                // Nothing is below TRACE, so nobody needs to look.
                false if threshold == LogLevel::Trace => None,
                false => level_of_line(&piece.event.message),
            };
            level.is_none_or(|level| level >= threshold)
        });
        wanted.then_some(piece.event)
    }

    fn next_piece(&mut self, now: SystemTime) -> Option<Piece> {
        match FrameHeader::parse(&self.bytes) {
            Some(frame) if frame.length <= self.limit => self.framed(&frame, now),
            None if self.may_become_frame() => None,
            _ => self.line(now),
        }
    }

    fn framed(&mut self, frame: &FrameHeader, now: SystemTime) -> Option<Piece> {
        if self.bytes.len() < FRAME_HEADER_BYTES + frame.length {
            return None;
        }
        self.bytes.advance(FRAME_HEADER_BYTES);
        let text = self.bytes.split_to(frame.length);
        Some(Piece::framed(
            text.strip_suffix(b"\n").unwrap_or(&text),
            frame,
            now,
        ))
    }

    fn line(&mut self, now: SystemTime) -> Option<Piece> {
        // Up to here it is certain, before more than the limit is held, that no frame begins.
        let longest = self.limit - FRAME_MARK.len() + 1;
        let bytes = &self.bytes[..];
        let reach = bytes.len().min(longest + 1);
        let ends = |at: &usize| bytes[*at] == b'\n' || (*at > 0 && bytes[*at..].starts_with(&FRAME_MARK));
        let end = match (self.searched..reach).find(ends) {
            Some(end) => end,
            None if bytes.len() > self.limit => character_boundary(bytes, longest),
            None => {
                // The beginning of a mark may be the last that is here.
                self.searched = reach.saturating_sub(FRAME_MARK.len() - 1);
                return None;
            }
        };
        self.searched = 0;
        let line = self.bytes.split_to(end);
        if self.bytes.first() == Some(&b'\n') {
            self.bytes.advance(1);
        }
        Some(Piece::line(&line, now))
    }

    /// Whether what is here is the beginning of a header, or of nothing yet.
    fn may_become_frame(&self) -> bool {
        let begun = self.bytes.len().min(FRAME_MARK.len());
        self.bytes.len() < FRAME_HEADER_BYTES && self.bytes[..begun] == FRAME_MARK[..begun]
    }
}

/// An event, and what tells its level.
struct Piece {
    event: LogEvent,
    framed: bool,
    level: Option<LogLevel>,
}

impl Piece {
    fn framed(text: &[u8], frame: &FrameHeader, now: SystemTime) -> Self {
        Self {
            event: event(text, frame.date(now)),
            framed: true,
            level: LogLevel::of_frame(frame.kind),
        }
    }

    fn line(text: &[u8], now: SystemTime) -> Self {
        Self {
            event: event(text, now),
            framed: false,
            level: None,
        }
    }
}

struct FrameHeader {
    /// The last byte of the type: format and level.
    kind: u8,
    length: usize,
    micros: u64,
}

impl FrameHeader {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let header: &[u8; FRAME_HEADER_BYTES] = bytes.first_chunk()?;
        let [a, b, c, kind, l0, l1, l2, l3, micros @ ..] = *header;
        ([a, b, c] == FRAME_MARK).then(|| Self {
            kind,
            length: u32::from_be_bytes([l0, l1, l2, l3]) as usize,
            micros: u64::from_be_bytes(micros),
        })
    }

    /// When the event happened. A function's clock is believed within reason only, since streams are
    /// searched and expired by it.
    fn date(&self, now: SystemTime) -> SystemTime {
        match UNIX_EPOCH.checked_add(Duration::from_micros(self.micros)) {
            Some(at) if at <= now && now.duration_since(at).is_ok_and(|age| age <= OLDEST) => at,
            _ => now,
        }
    }
}

/// A line is dated when it is read, a frame when it is made, a moment before it is written: no line is later than a frame
/// that stands behind it. Where the line came with an earlier read, the frame is dated as it.
fn in_order(events: &mut [LogEvent]) {
    let mut latest = i64::MAX;
    for event in events.iter_mut().rev() {
        latest = latest.min(event.timestamp_ms);
        event.timestamp_ms = latest;
    }
}

fn event(text: &[u8], at: SystemTime) -> LogEvent {
    LogEvent {
        timestamp_ms: unix_millis(at),
        message: String::from_utf8_lossy(text).into_owned(),
    }
}

/// The last place at or before `at` that does not cut a UTF-8 character in two.
fn character_boundary(bytes: &[u8], at: usize) -> usize {
    let continues = |at: &usize| bytes[*at] & 0b1100_0000 == 0b1000_0000;
    (at.saturating_sub(3).max(1)..=at)
        .rev()
        .find(|at| !continues(at))
        .unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const NOW: SystemTime = UNIX_EPOCH;

    fn split(splitter: &mut LogSplitter, pieces: &[&[u8]]) -> Vec<String> {
        let mut events = Vec::new();
        pieces
            .iter()
            .for_each(|piece| splitter.push(piece, NOW, &mut events));
        events.extend(splitter.flush(NOW));
        events.into_iter().map(|event| event.message).collect()
    }

    fn frame(text: &[u8]) -> Vec<u8> {
        [
            &[0xa5, 0x5a, 0, 3][..],
            &(text.len() as u32).to_be_bytes(),
            &0u64.to_be_bytes(),
            text,
        ]
        .concat()
    }

    fn small() -> LogSplitter {
        LogSplitter {
            limit: 10,
            ..LogSplitter::default()
        }
    }

    #[test]
    fn a_frame_is_not_before_the_line_that_was_read_before_it() {
        let (mut splitter, mut events) = (LogSplitter::new(), Vec::new());
        splitter.push(b"line\n", NOW + Duration::from_millis(6), &mut events);
        // Made at 0 ms, written after the line.
        splitter.push(&frame(b"frame"), NOW + Duration::from_millis(7), &mut events);
        let dates: Vec<_> = events.iter().map(|event| event.timestamp_ms).collect();
        assert_eq!(dates, [6, 6]);
    }

    #[test]
    fn lines_and_frames_become_events() {
        let bytes = [
            b"one\n\ntwo\n".to_vec(),
            frame(b"a\nb\n"),
            b"thr".to_vec(),
            b"ee".to_vec(),
        ];
        let pieces: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
        assert_eq!(
            split(&mut LogSplitter::new(), &pieces),
            ["one", "", "two", "a\nb", "three"]
        );
    }

    #[test]
    fn a_frame_ends_the_line_before_it() {
        let bytes = [b"without end".to_vec(), frame(b"y\n"), b"z\n".to_vec()].concat();
        assert_eq!(
            split(&mut LogSplitter::new(), &[&bytes]),
            ["without end", "y", "z"]
        );
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        assert_eq!(split(&mut small(), &[b"01234567\n"]), ["01234567"]);
        assert_eq!(split(&mut small(), &[b"0123456789"]), ["0123456789"]);
        assert_eq!(split(&mut small(), &[b"0123456789a"]), ["01234567", "89a"]);
        assert_eq!(
            split(&mut small(), &["1234567ü123".as_bytes()]),
            ["1234567", "ü123"]
        );
        assert_eq!(split(&mut small(), &[&[0x80; 26]]).len(), 3);
    }

    #[test]
    fn a_frame_cut_short_is_still_an_event() {
        let bytes = frame(b"whole text");
        assert_eq!(split(&mut LogSplitter::new(), &[&bytes[..20]]), ["whol"]);
    }

    #[test]
    fn a_frame_longer_than_an_event_is_no_frame() {
        assert!(split(&mut small(), &[&frame(b"0123456789a")]).len() > 1);
    }

    #[test]
    fn a_frame_is_dated_by_its_function_within_reason() {
        let now = UNIX_EPOCH + Duration::from_secs(10_000);
        let date = |seconds: u64| {
            let frame = FrameHeader {
                kind: 3,
                length: 0,
                micros: seconds * 1_000_000,
            };
            unix_millis(frame.date(now)) / 1000
        };
        assert_eq!(date(9_500), 9_500);
        assert_eq!(date(9_000), 10_000);
        assert_eq!(date(10_001), 10_000);
        assert_eq!(date(u64::MAX / 1_000_000), 10_000);
    }

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            vec(any::<u8>(), 0..30),
            "[a-zü]{0,15}\n?".prop_map(String::into_bytes),
            vec(any::<u8>(), 0..14).prop_map(|text| frame(&text)),
            Just(FRAME_MARK.to_vec()),
        ]
    }

    #[test]
    fn a_line_is_no_later_than_the_frame_behind_it() {
        let now = UNIX_EPOCH + Duration::from_millis(9);
        let mut bytes = b"line\n\xa5\x5a\x00\x03\0\0\0\x01".to_vec();
        bytes.extend(7000_u64.to_be_bytes());
        bytes.extend(b"flast\n");
        let mut events = Vec::new();
        LogSplitter::new().push(&bytes, now, &mut events);
        let times: Vec<i64> = events.iter().map(|event| event.timestamp_ms).collect();
        assert_eq!(times, [7, 7, 9]);
    }

    #[test]
    fn what_is_below_the_threshold_is_dropped() {
        let mut splitter = LogSplitter::new();
        splitter.keep_from(LogLevel::Warn);
        let framed = |kind: u8, text: &str| {
            let mut frame = vec![0xa5, 0x5a, 0x00, kind];
            frame.extend((text.len() as u32).to_be_bytes());
            frame.extend([0; 8]);
            frame.extend(text.as_bytes());
            frame
        };
        let pieces = [
            framed(0x0e, "info"),
            framed(0x12, "warn"),
            framed(0x03, "no level"),
            br#"{"level":"INFO"}"#.to_vec(),
            b"\n".to_vec(),
            b"{\"level\":\"error\"}\n{}\nplain\n".to_vec(),
            br#"{"level":"debug"}"#.to_vec(),
        ];
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let kept = ["warn", "no level", r#"{"level":"error"}"#, "plain"];
        assert_eq!(split(&mut splitter, &pieces), kept);
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_events(pieces in vec(piece(), 0..10), size in 1..40usize) {
            let whole = pieces.concat();
            let chunks: Vec<&[u8]> = whole.chunks(size).collect();
            prop_assert_eq!(split(&mut small(), &chunks), split(&mut small(), &[&whole]));
        }

        #[test]
        fn no_more_than_an_event_is_held(pieces in vec(piece(), 0..10)) {
            let mut splitter = small();
            for piece in pieces {
                splitter.push(&piece, NOW, &mut Vec::new());
                prop_assert!(splitter.bytes.len() <= FRAME_HEADER_BYTES + splitter.limit);
            }
        }

        #[test]
        fn lines_keep_their_text(lines in vec("[ -~ü]{0,8}", 1..20)) {
            let text = format!("{}\n", lines.join("\n"));
            prop_assert_eq!(split(&mut LogSplitter::new(), &[text.as_bytes()]), lines);
        }
    }
}
