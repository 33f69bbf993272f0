//! A page of a group's events: the first, or the last, of those that are asked for.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::batch::Span;
use crate::event::{Event, EventKey};
use crate::pattern::FilterPattern;
use crate::record::Record;
use crate::scan::Scan;
use crate::segments::Segment;

/// Most events on a page.
pub const PAGE_EVENTS: usize = 10_000;
/// Most bytes on a page, each event counted as its message and 26 bytes.
pub const PAGE_BYTES: usize = 1024 * 1024;
const EVENT_BYTES: usize = 26;

/// Which events of a group are asked for.
#[derive(Clone, Debug)]
pub struct Query {
    /// Of which streams.
    pub streams: Streams,
    /// With which text.
    pub pattern: FilterPattern,
    /// From here on …
    pub from: EventKey,
    /// … up to here, exclusive.
    pub to: EventKey,
    /// Which end comes first when they do not fit on one page.
    pub order: Order,
    /// Most events on the page, at least one. [`PAGE_EVENTS`] and [`PAGE_BYTES`] hold besides.
    pub limit: usize,
}

/// A choice of log streams.
#[derive(Clone, Debug)]
pub enum Streams {
    /// Every one.
    All,
    /// Those with one of these names.
    Named(Vec<String>),
    /// Those whose names start like this.
    Prefixed(String),
}

/// Which events come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The oldest.
    Forward,
    /// The latest.
    Backward,
}

/// What was found.
#[derive(Debug)]
pub struct Page {
    /// The events, in the order that was asked for.
    pub events: Vec<Event>,
    /// There are more behind the last of them.
    pub more: bool,
}

impl Default for Query {
    /// Every event, oldest first.
    fn default() -> Self {
        Self {
            streams: Streams::All,
            pattern: FilterPattern::default(),
            from: EventKey::FIRST,
            to: EventKey::LAST,
            order: Order::Forward,
            limit: PAGE_EVENTS,
        }
    }
}

impl Streams {
    pub(crate) fn contain(&self, stream: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| name == stream),
            Self::Prefixed(prefix) => stream.starts_with(prefix),
        }
    }
}

/// Reads a page from a group's segments. Also tells the timestamps in segments it read whole.
pub(crate) fn read(
    dir: &Path,
    mut segments: Vec<Segment>,
    query: &Query,
) -> io::Result<(Page, Vec<(u64, Span)>)> {
    let mut found = Found {
        query,
        events: BTreeMap::new(),
        bytes: 0,
        end: None,
    };
    let mut learnt = Vec::new();
    if query.order == Order::Backward {
        segments.reverse();
    }
    for segment in &segments {
        if !found.may_want(segment) {
            continue;
        }
        let start = segment.start_for(query.from.timestamp_ms);
        let mut scan = Scan::open(&dir.join(segment.file()), start, segment.bytes)?;
        while let Some((offset, record)) = scan.read()? {
            found.offer(segment.id, offset, &record);
        }
        // A part says nothing of the whole.
        learnt.extend(scan.span().filter(|_| start == 0).map(|span| (segment.id, span)));
    }
    let more = found.end.is_some();
    Ok((
        Page {
            events: found.events.into_values().collect(),
            more,
        },
        learnt,
    ))
}

/// The events of a page so far, by rank: their key, or for backward pages its mirror.
///
/// Segments overlap in time, so a page is filled by reading on and pushing out what ranks last. It
/// holds no more than a page at any time, and skips segments that cannot reach it.
struct Found<'q> {
    query: &'q Query,
    events: BTreeMap<EventKey, Event>,
    bytes: usize,
    /// The lowest rank that was pushed out: the page ends before it.
    end: Option<EventKey>,
}

impl Found<'_> {
    fn rank(&self, key: EventKey) -> EventKey {
        match self.query.order {
            Order::Forward => key,
            Order::Backward => key.mirrored(),
        }
    }

    fn has_place_for(&self, rank: EventKey) -> bool {
        self.end.is_none_or(|end| rank < end)
    }

    /// Whether a segment can have an event for this page.
    fn may_want(&self, segment: &Segment) -> bool {
        let Some(Span { first_ms, last_ms }) = segment.span else {
            return true;
        };
        let first = EventKey {
            segment: segment.id,
            ..EventKey::at(first_ms)
        };
        let last = EventKey {
            timestamp_ms: last_ms,
            segment: segment.id,
            offset: segment.bytes,
        };
        let best = match self.query.order {
            Order::Forward => first,
            Order::Backward => last,
        };
        last >= self.query.from && first < self.query.to && self.has_place_for(self.rank(best))
    }

    fn offer(&mut self, segment: u64, offset: u64, record: &Record<'_>) {
        let key = EventKey {
            timestamp_ms: record.timestamp_ms,
            segment,
            offset,
        };
        let (query, rank) = (self.query, self.rank(key));
        if !(query.from..query.to).contains(&key)
            || !self.has_place_for(rank)
            || record.is_blank()
            || !query.streams.contain(record.stream)
            || !query.pattern.matches(record.message)
        {
            return;
        }
        self.bytes += record.message.len() + EVENT_BYTES;
        let (stream, message) = (record.stream.to_owned(), record.message.to_owned());
        self.events.insert(
            rank,
            Event {
                key,
                stream,
                ingestion_ms: record.ingestion_ms,
                message,
            },
        );
        self.push_out();
    }

    fn push_out(&mut self) {
        let limit = self.query.limit.clamp(1, PAGE_EVENTS);
        while self.events.len() > limit || (self.bytes > PAGE_BYTES && self.events.len() > 1) {
            let Some((rank, last)) = self.events.pop_last() else {
                return;
            };
            self.bytes -= last.message.len() + EVENT_BYTES;
            self.end = Some(rank);
        }
    }
}
