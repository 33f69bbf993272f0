//! A log group: what waits to be written, and its segments.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use tokio::sync::{Notify, Semaphore};

use crate::batch::Batch;
use crate::group_key::GroupKey;
use crate::segments::Segments;

/// A log group that was written to or read from since the start, or has segments.
pub(crate) struct Group {
    pub(crate) key: GroupKey,
    /// The part of the buffer that is free, in bytes. Those who wait for it wait in order, and
    /// only for this group.
    room: Semaphore,
    capacity: u32,
    buffer: Mutex<Buffer>,
    segments: Mutex<Segments>,
    /// Up to where the segments are on disk: the newest of them and its length.
    pub(crate) synced: tokio::sync::Mutex<(u64, u64)>,
    /// Events that could not be written since the start.
    lost: AtomicU64,
    /// Woken whenever something was written.
    pub(crate) arrivals: Notify,
}

/// What waits to be written.
#[derive(Default)]
struct Buffer {
    batch: Batch,
    /// What of `room` the batch took.
    permits: u32,
    /// The writer was told.
    queued: bool,
    /// Bytes that the writer took and has not written yet.
    writing: usize,
}

/// How full a group's buffer was left.
pub(crate) struct Pushed {
    /// The writer does not yet know that there is something to write.
    pub(crate) first: bool,
    /// The next append may have to wait.
    pub(crate) pressing: bool,
}

/// What the writer took from a group's buffer.
pub(crate) struct Taken {
    pub(crate) batch: Batch,
    permits: u32,
}

impl Group {
    pub(crate) fn new(key: GroupKey, segments: Segments, capacity: u32) -> Self {
        let capacity = capacity.max(1);
        Self {
            key,
            room: Semaphore::new(capacity as usize),
            capacity,
            buffer: Mutex::default(),
            segments: Mutex::new(segments),
            synced: tokio::sync::Mutex::default(),
            lost: AtomicU64::new(0),
            arrivals: Notify::new(),
        }
    }

    /// Puts a batch into the buffer once there is room. A batch larger than the whole buffer waits
    /// until the buffer is empty.
    pub(crate) async fn push(&self, batch: Batch) -> Pushed {
        let permits =
            u32::try_from(batch.bytes.len()).map_or(self.capacity, |bytes| bytes.min(self.capacity));
        let room = self
            .room
            .acquire_many(permits)
            .await
            .expect("the semaphore is never closed");
        room.forget();
        let mut buffer = self.buffer();
        buffer.batch.append(batch);
        buffer.permits += permits;
        let pressing = buffer.permits > self.capacity / 2;
        Pushed {
            first: !std::mem::replace(&mut buffer.queued, true),
            pressing,
        }
    }

    /// The writer turns to this group: what is pushed from here on needs another turn.
    pub(crate) fn dequeued(&self) {
        self.buffer().queued = false;
    }

    /// Empties the buffer. What was taken still fills it until it is [`Group::settled`].
    pub(crate) fn take(&self) -> Taken {
        let mut buffer = self.buffer();
        let batch = std::mem::take(&mut buffer.batch);
        let permits = std::mem::take(&mut buffer.permits);
        buffer.writing = batch.bytes.len();
        Taken { batch, permits }
    }

    /// What was taken is written or lost: appends that waited for its room go on.
    pub(crate) fn settled(&self, taken: &Taken) {
        self.buffer().writing = 0;
        self.room.add_permits(taken.permits as usize);
        self.arrivals.notify_waiters();
    }

    /// Counts events that could not be written.
    pub(crate) fn lose(&self, events: u64) {
        self.lost.fetch_add(events, Ordering::SeqCst);
    }

    /// Events that could not be written since the start.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::SeqCst)
    }

    /// Bytes stored and waiting. A group without any does not exist to its readers.
    pub(crate) fn bytes(&self) -> u64 {
        // In this order, what moves from the one to the other meanwhile is not missed.
        let waiting = {
            let buffer = self.buffer();
            buffer.batch.bytes.len() + buffer.writing
        };
        waiting as u64 + self.segments().bytes()
    }

    /// The segments. Held only to look or to write one batch, never while scanning.
    pub(crate) fn segments(&self) -> MutexGuard<'_, Segments> {
        self.segments
            .lock()
            .expect("nobody panics while holding the segments")
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer
            .lock()
            .expect("nobody panics while holding the buffer")
    }
}
