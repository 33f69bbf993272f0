//! A page of a group's events: the first, or the last, of those that are asked for.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

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
    /// How long to look. Then the page ends early, perhaps empty, but always further than where it began.
    pub patience: Duration,
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
    /// Where to go on, if there may be more: `from` there, or for a backward page up `to` there.
    pub next: Option<EventKey>,
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
            patience: Duration::MAX,
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
        early: None,
    };
    let begun = Instant::now();
    let mut learnt = Vec::new();
    if query.order == Order::Backward {
        segments.reverse();
    }
    for (number, segment) in segments.iter().enumerate() {
        if !found.may_want(segment) {
            continue;
        }
        if begun.elapsed() >= query.patience && found.stop_before(&segments[number..]) {
            break;
        }
        let start = segment.start_for(query.from.timestamp_ms);
        let mut scan = Scan::open(&dir.join(segment.file()), start, segment.bytes)?;
        while let Some((offset, record)) = scan.read()? {
            found.offer(segment.id, offset, &record);
        }
        // A part says nothing of the whole.
        learnt.extend(scan.span().filter(|_| start == 0).map(|span| (segment.id, span)));
    }
    let next = found.next();
    let events = found.events.into_values().collect();
    Ok((Page { events, next }, learnt))
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
    /// The page ends here since time is up: what ranks behind was not read yet.
    early: Option<EventKey>,
}

impl Found<'_> {
    fn rank(&self, key: EventKey) -> EventKey {
        match self.query.order {
            Order::Forward => key,
            Order::Backward => key.mirrored(),
        }
    }

    /// Ends the page before anything that these segments may hold; `false` where that would be where it began.
    fn stop_before(&mut self, unread: &[Segment]) -> bool {
        let wanted = unread.iter().filter(|segment| self.may_want(segment));
        let spans = wanted.map(|segment| segment.span);
        let spans: Option<Vec<Span>> = spans.collect();
        let Some(span) = spans.and_then(|spans| spans.into_iter().reduce(Span::including)) else {
            return false;
        };
        let (place, is_further) = match self.query.order {
            Order::Forward => {
                let place = EventKey::at(span.first_ms);
                (place, place > self.query.from)
            }
            Order::Backward => {
                let place = EventKey::at(span.last_ms.saturating_add(1));
                (place, place < self.query.to)
            }
        };
        if is_further {
            let rank = self.rank(place);
            self.events.split_off(&rank);
            if self.has_place_for(rank) {
                self.early = Some(place);
            }
        }
        is_further
    }

    /// Where the next page begins, if there may be one.
    fn next(&self) -> Option<EventKey> {
        let last = self.events.values().next_back().map(|event| event.key);
        self.early.or_else(|| {
            let last = last.filter(|_| self.end.is_some())?;
            Some(match self.query.order {
                Order::Forward => last.next(),
                Order::Backward => last,
            })
        })
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
