//! The one thread that writes to segments and deletes them.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use hearth_types::time::unix_millis;

use crate::batch::Batch;
use crate::durable::sync_directories;
use crate::group::Group;
use crate::group_key::GroupKey;
use crate::queue::Job;
use crate::record::Record;
use crate::segments::Limits;
use crate::shared::Shared;
use crate::sync::{self, Syncer};

/// How often segments that are too old are looked for.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);
/// A segment is closed at this part of its group's retention even if it is small, so that retention has a grain.
const SEGMENTS_PER_RETENTION: u32 = 8;
/// The stream that says how many events of its group were lost.
const NOTE_STREAM: &str = "hearth";

/// Writes what the groups' buffers hold and keeps the store within its bounds.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    syncer: Syncer,
    /// Bytes in all segments.
    stored: u64,
    /// Events that were lost and whose groups do not say so yet.
    lost: BTreeMap<GroupKey, u64>,
    sync_at: Instant,
    expire_at: Instant,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, syncer: Syncer) -> Self {
        let stored = shared.groups().values().map(|group| group.bytes()).sum();
        let now = Instant::now();
        Self {
            shared,
            syncer,
            stored,
            lost: BTreeMap::new(),
            sync_at: now,
            expire_at: now,
        }
    }

    /// Works until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        while self.step() {}
        self.syncer.finish();
    }

    /// Does the next thing that is due; `false` when there will be none.
    pub(crate) fn step(&mut self) -> bool {
        let chores = if self.syncer.is_idle() {
            self.expire_at
        } else {
            self.sync_at.min(self.expire_at)
        };
        match self.shared.queue.next(chores) {
            Job::Write(group) => {
                group.dequeued();
                self.write(&group);
            }
            Job::Settle(group, done) => {
                self.write(&group);
                // The reader may have gone.
                let _ = done.send(());
            }
            Job::Clear(group, done) => {
                // The client may have gone.
                let _ = done.send(self.clear(&group));
            }
            Job::Chores => self.chores(),
            Job::Stop => return false,
        }
        true
    }

    fn write(&mut self, group: &Group) {
        self.recover(group);
        let taken = group.take();
        if !taken.batch.is_empty()
            && let Err(error) = self.store(group, &taken.batch)
        {
            self.lose(group, taken.batch.records, &error);
        }
        group.settled(&taken);
    }

    fn store(&mut self, group: &Group, batch: &Batch) -> io::Result<()> {
        if let Some(lost) = self.lost.get(&group.key) {
            self.append(group, &note(*lost))?;
            self.lost.remove(&group.key);
        }
        self.append(group, batch)
    }

    fn append(&mut self, group: &Group, batch: &Batch) -> io::Result<()> {
        let now_ms = unix_millis(SystemTime::now());
        let bytes = batch.bytes.len() as u64;
        self.make_room(group, bytes);
        let limits = Limits {
            bytes: self.shared.options.segment_bytes,
            age: self.retention(group) / SEGMENTS_PER_RETENTION,
        };
        let written = group.segments().write(batch, now_ms, &limits)?;
        self.stored += bytes;
        if written.fresh {
            let root = &self.shared.root;
            let above = written
                .path
                .ancestors()
                .skip(1)
                .take_while(|dir| dir.starts_with(root));
            above.for_each(|dir| self.syncer.changed(dir.to_owned()));
        }
        self.syncer.changed(written.path);
        Ok(())
    }

    /// Cuts off what a crash left half-written, when a group is first touched.
    fn recover(&mut self, group: &Group) {
        match group.segments().recover() {
            Ok(0) => {}
            Ok(torn) => {
                self.stored -= torn;
                tracing::warn!(
                    group = &*group.key.name,
                    bytes = torn,
                    "cut off the torn end of a log"
                );
            }
            Err(error) => tracing::warn!(group = &*group.key.name, %error, "cannot check the end of a log"),
        }
    }

    /// Deletes oldest segments until `more` fits: of this group for its own bound, of the largest
    /// for the common one.
    fn make_room(&mut self, group: &Group, more: u64) {
        let options = &self.shared.options;
        let mut segments = group.segments();
        while segments.bytes() + more > options.group_bytes {
            let Some(freed) = segments.drop_oldest() else {
                break;
            };
            self.stored -= freed;
        }
        drop(segments);
        while self.stored + more > options.total_bytes {
            let largest = self
                .shared
                .groups()
                .values()
                .max_by_key(|group| group.segments().bytes())
                .cloned();
            let Some(freed) = largest.and_then(|group| group.segments().drop_oldest()) else {
                break;
            };
            self.stored -= freed;
        }
    }

    /// Deletes everything of a group, also what waits to be written.
    fn clear(&mut self, group: &Group) -> io::Result<()> {
        let taken = group.take();
        group.settled(&taken);
        self.lost.remove(&group.key);
        let (dir, (freed, cleared)) = {
            let mut segments = group.segments();
            (segments.dir().to_owned(), segments.clear())
        };
        self.stored -= freed;
        cleared?;
        sync_directories(&dir, &self.shared.root)
    }

    /// How long the events of a group are kept.
    fn retention(&self, group: &Group) -> Duration {
        self.shared
            .retention(&group.key)
            .unwrap_or(self.shared.options.retention)
    }

    fn chores(&mut self) {
        let now = Instant::now();
        if now >= self.sync_at && !self.syncer.is_idle() {
            self.syncer.round();
            self.sync_at = now + sync::PERIOD;
        }
        if now >= self.expire_at {
            self.expire();
            self.expire_at = now + EXPIRE_EVERY;
        }
    }

    /// Deletes segments that are too old, and forgets groups that have nothing left.
    fn expire(&mut self) {
        let groups: Vec<_> = self.shared.groups().values().cloned().collect();
        for group in groups {
            let oldest = SystemTime::now().checked_sub(self.retention(&group));
            let cutoff = oldest.map_or(0, unix_millis);
            self.stored -= group.segments().expire(cutoff);
        }
        // Nobody can get hold of a group while the map is locked, so one that nobody else holds now
        // can be made anew later.
        self.shared
            .groups_mut()
            .retain(|_, group| Arc::strong_count(group) > 1 || group.bytes() > 0);
    }

    /// Counts events that could not be written. The function that logged them is not told: its
    /// invocation has nothing to do with the state of a disk.
    fn lose(&mut self, group: &Group, records: u64, error: &io::Error) {
        self.shared.lost.fetch_add(records, Ordering::Relaxed);
        group.lose(records);
        let lost = self.lost.entry(group.key.clone()).or_default();
        if *lost == 0 {
            tracing::error!(group = &*group.key.name, %error, "cannot write logs; they are lost until this is mended");
        }
        *lost += records;
    }
}

/// A line that says in the log itself how many events are missing before it.
fn note(lost: u64) -> Batch {
    let now_ms = unix_millis(SystemTime::now());
    let message = format!("{lost} log events before this one could not be written and are lost");
    let mut batch = Batch::default();
    batch.push(&Record {
        ingestion_ms: now_ms,
        timestamp_ms: now_ms,
        stream: NOTE_STREAM,
        message: &message,
    });
    batch
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use hearth_types::LogEvent;

    use super::*;
    use crate::group_key::test_scope;
    use crate::{LogOptions, LogStore};

    fn lines(count: usize) -> Vec<LogEvent> {
        (0..count)
            .map(|n| LogEvent {
                timestamp_ms: n as i64,
                message: format!("{n:0100}"),
            })
            .collect()
    }

    fn poll(future: Pin<&mut impl Future<Output = ()>>) -> Poll<()> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    fn stopped(dir: &Path, buffer_bytes: u32) -> (LogStore, Writer) {
        LogStore::stopped(
            dir,
            LogOptions {
                buffer_bytes,
                ..LogOptions::default()
            },
        )
        .unwrap()
    }

    fn stored(store: &LogStore, group: &str) -> u64 {
        let key = GroupKey::new(&test_scope(), group).unwrap();
        store
            .shared
            .groups()
            .get(&key)
            .map_or(0, |group| group.segments().bytes())
    }

    #[test]
    fn a_full_buffer_holds_up_only_its_own_group() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _writer) = stopped(dir.path(), 1000);
        let scope = test_scope();
        let mut noisy = pin!(store.append(&scope, "noisy", "s", lines(1000)));
        assert!(poll(noisy.as_mut()).is_pending());
        let waiting: u64 = store.shared.groups().values().map(|group| group.bytes()).sum();
        assert!(waiting <= 1000, "{waiting}");
        assert!(poll(pin!(store.append(&scope, "quiet", "s", lines(1)))).is_ready());
        assert!(poll(noisy).is_pending());
    }

    #[test]
    fn groups_are_written_in_turn() {
        let dir = tempfile::tempdir().unwrap();
        let (store, mut writer) = stopped(dir.path(), 1000);
        let scope = test_scope();
        assert!(poll(pin!(store.append(&scope, "before", "s", lines(1)))).is_ready());
        let mut noisy = pin!(store.append(&scope, "noisy", "s", lines(1000)));
        assert!(poll(noisy.as_mut()).is_pending());
        assert!(poll(pin!(store.append(&scope, "behind", "s", lines(1)))).is_ready());
        while stored(&store, "before") == 0 || stored(&store, "behind") == 0 {
            assert!(writer.step());
            assert!(poll(noisy.as_mut()).is_pending());
        }
        let ahead = stored(&store, "noisy");
        assert!(
            ahead <= 1000,
            "the noisy group wrote {ahead} bytes before the others had their turn"
        );
    }

    #[test]
    fn what_waits_is_written_before_the_writer_stops() {
        let dir = tempfile::tempdir().unwrap();
        let (store, writer) = stopped(dir.path(), 1 << 20);
        let shared = store.shared.clone();
        assert!(poll(pin!(store.append(&test_scope(), "g", "s", lines(3)))).is_ready());
        drop(store);
        writer.run();
        let bytes: u64 = shared
            .groups()
            .values()
            .map(|group| group.segments().bytes())
            .sum();
        assert_eq!(bytes, 3 * (8 + 18 + 1 + 100));
    }

    #[test]
    fn the_largest_group_makes_room_for_all() {
        let dir = tempfile::tempdir().unwrap();
        let options = LogOptions {
            total_bytes: 10_000,
            segment_bytes: 1000,
            ..LogOptions::default()
        };
        let (store, mut writer) = LogStore::stopped(dir.path(), options).unwrap();
        let mut write = |group: &str, count: usize| {
            assert!(poll(pin!(store.append(&test_scope(), group, "s", lines(count)))).is_ready());
            while store
                .shared
                .groups()
                .values()
                .any(|group| group.bytes() > group.segments().bytes())
            {
                assert!(writer.step());
            }
            assert!(writer.stored <= 10_000);
        };
        write("quiet", 2);
        let quiet = stored(&store, "quiet");
        for _ in 0..30 {
            write("noisy", 7);
        }
        assert_eq!(writer.stored, stored(&store, "quiet") + stored(&store, "noisy"));
        assert_eq!(stored(&store, "quiet"), quiet);
        assert!(stored(&store, "noisy") > 8000);
    }

    #[test]
    fn a_groups_own_retention_comes_before_the_common_one() {
        let dir = tempfile::tempdir().unwrap();
        let options = LogOptions {
            retention: Duration::ZERO,
            ..LogOptions::default()
        };
        let (store, mut writer) = LogStore::stopped(dir.path(), options).unwrap();
        let key = GroupKey::new(&test_scope(), "long").unwrap();
        store.set_retention(&key, Some(Duration::from_secs(60)));
        for group in ["long", "usual"] {
            assert!(poll(pin!(store.append(&test_scope(), group, "s", lines(2)))).is_ready());
        }
        while stored(&store, "long") == 0 || stored(&store, "usual") == 0 {
            assert!(writer.step());
        }
        while stored(&store, "usual") > 0 {
            writer.expire();
        }
        assert!(stored(&store, "long") > 0);
        store.set_retention(&key, None);
        while stored(&store, "long") > 0 {
            writer.expire();
        }
        assert_eq!(writer.stored, 0);
    }

    #[test]
    fn what_is_too_old_goes_and_its_group_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let options = LogOptions {
            retention: Duration::ZERO,
            ..LogOptions::default()
        };
        let (store, mut writer) = LogStore::stopped(dir.path(), options).unwrap();
        assert!(poll(pin!(store.append(&test_scope(), "g", "s", lines(2)))).is_ready());
        while stored(&store, "g") == 0 {
            assert!(writer.step());
        }
        while !store.shared.groups().is_empty() {
            writer.expire();
        }
        assert_eq!(writer.stored, 0);
        let left = std::fs::read_dir(store.shared.root.join("000000000000/us-east-1")).unwrap();
        assert_eq!(left.count(), 0);
    }
}
