//! Following a group: new events, as they are written.

use std::sync::Arc;

use hearth_types::Scope;

use crate::event::{Event, EventKey};
use crate::group::Group;
use crate::group_key::GroupKey;
use crate::page::{PAGE_BYTES, Streams};
use crate::pattern::FilterPattern;
use crate::read::ReadError;
use crate::record::Record;
use crate::scan::Scan;
use crate::store::LogStore;

/// Which events of a group are followed. The default is all.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Those of any of these streams; without one, of every stream.
    pub streams: Vec<Streams>,
    /// With which text.
    pub pattern: FilterPattern,
}

impl Wanted {
    fn has(&self, record: &Record<'_>) -> bool {
        let streams = &self.streams;
        (streams.is_empty() || streams.iter().any(|streams| streams.contain(record.stream)))
            && self.pattern.matches(record.message)
    }
}

/// The wanted events that are appended to a group from some moment on, in the order they were appended.
pub struct Follower {
    store: LogStore,
    group: Arc<Group>,
    wanted: Arc<Wanted>,
    segment: u64,
    offset: u64,
}

impl LogStore {
    /// Follows a group, which need not exist yet, from now on.
    ///
    /// # Errors
    /// [`ReadError::NoGroup`] when no group can have this name.
    pub async fn follow(
        &self,
        scope: &Scope,
        group: &str,
        wanted: Arc<Wanted>,
    ) -> Result<Follower, ReadError> {
        let key = GroupKey::new(scope, group).ok_or(ReadError::NoGroup)?;
        let group = self.shared.group_or_new(key);
        self.shared.queue.settle(group.clone()).await;
        let (segment, offset) = group
            .segments()
            .list()
            .next_back()
            .map_or((0, 0), |s| (s.id, s.bytes));
        Ok(Follower {
            store: self.clone(),
            group,
            wanted,
            segment,
            offset,
        })
    }
}

impl Follower {
    /// Waits for wanted events and returns those that came, about a page at most. None is left out unless
    /// it was deleted for room before it could be read. Giving up on the wait loses nothing.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn next(&mut self) -> Result<Vec<Event>, ReadError> {
        let group = self.group.clone();
        loop {
            let mut arrival = std::pin::pin!(group.arrivals.notified());
            arrival.as_mut().enable();
            let (segment, offset) = (self.segment, self.offset);
            let (reader, wanted) = (group.clone(), self.wanted.clone());
            let read = self
                .store
                .blocking(move || read_on(&reader, &wanted, segment, offset))
                .await?;
            (self.segment, self.offset) = (read.segment, read.offset);
            if !read.events.is_empty() {
                return Ok(read.events);
            }
            // What was read and is not wanted may stand before more.
            if (read.segment, read.offset) == (segment, offset) {
                arrival.await;
            }
        }
    }
}

struct Read {
    events: Vec<Event>,
    segment: u64,
    offset: u64,
}

/// Reads records behind a place, until there are no more or enough, and takes those that are wanted.
fn read_on(group: &Group, wanted: &Wanted, segment: u64, offset: u64) -> Result<Read, ReadError> {
    let mut read = Read {
        events: Vec::new(),
        segment,
        offset,
    };
    let (dir, list) = {
        let segments = group.segments();
        (
            segments.dir().to_owned(),
            segments.list().cloned().collect::<Vec<_>>(),
        )
    };
    let mut bytes = 0;
    for later in list.iter().filter(|later| later.id >= segment) {
        let from = if later.id == segment { offset } else { 0 };
        let mut scan = Scan::open(&dir.join(later.file()), from, later.bytes)?;
        while bytes < PAGE_BYTES
            && let Some((offset, record)) = scan.read()?
        {
            bytes += record.message.len();
            if record.is_blank() || !wanted.has(&record) {
                continue;
            }
            read.events.push(Event {
                key: EventKey {
                    timestamp_ms: record.timestamp_ms,
                    segment: later.id,
                    offset,
                },
                stream: record.stream.to_owned(),
                ingestion_ms: record.ingestion_ms,
                message: record.message.to_owned(),
            });
        }
        (read.segment, read.offset) = (later.id, scan.offset());
        if bytes >= PAGE_BYTES {
            break;
        }
    }
    Ok(read)
}
