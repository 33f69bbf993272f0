//! The handle that everything else holds.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

use hearth_types::time::unix_millis;
use hearth_types::{LogEvent, Scope};

use crate::batch::{Batch, pieces};
use crate::census;
use crate::group::Group;
use crate::group_key::GroupKey;
use crate::options::LogOptions;
use crate::record::{MAX_STREAM, Record};
use crate::shared::Shared;
use crate::sync::Syncer;
use crate::writer::Writer;

/// Why something could not be written for good.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// Events could not be written, or the writer has ended.
    #[error("the events could not be written")]
    Lost,
    /// The disk failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The layout of the directory and the format of records; another one gets another name.
const FORMAT: &str = "v1";

/// The logs of all functions: a directory of append-only segments per log group, written by one
/// thread in the background.
///
/// A clone is another handle to the same logs. Dropping the last one waits until what was appended
/// is written; [`flush`](LogStore::flush) first where the wait must not block.
///
/// Appended events are in the hands of the operating system within a fraction of a second and on
/// the disk about a second later: a crash of the process or the machine may cost the end of a log,
/// never its middle, and a record is never half there.
#[derive(Clone)]
pub struct LogStore {
    pub(crate) shared: Arc<Shared>,
    _end: Arc<End>,
}

impl LogStore {
    /// Opens the logs below `dir`, which is made on the first write, and starts the writer.
    ///
    /// # Errors
    /// When the directory cannot be read or a thread cannot be started.
    pub fn open(dir: &Path, options: LogOptions) -> io::Result<Self> {
        let (shared, writer) = Self::prepare(dir, options)?;
        let thread = thread::Builder::new().name("logs-write".to_owned());
        let writer = thread.spawn(move || writer.run())?;
        Ok(Self::new(shared, Some(writer)))
    }

    /// A store whose writer is run by hand.
    #[cfg(test)]
    pub(crate) fn stopped(dir: &Path, options: LogOptions) -> io::Result<(Self, Writer)> {
        let (shared, writer) = Self::prepare(dir, options)?;
        Ok((Self::new(shared, None), writer))
    }

    fn prepare(dir: &Path, options: LogOptions) -> io::Result<(Arc<Shared>, Writer)> {
        let root = dir.join(FORMAT);
        let found = census::take(&root)?;
        let shared = Arc::new(Shared::new(root, options, found));
        let writer = Writer::new(shared.clone(), Syncer::start()?);
        Ok((shared, writer))
    }

    fn new(shared: Arc<Shared>, writer: Option<JoinHandle<()>>) -> Self {
        let end = End {
            shared: shared.clone(),
            writer,
        };
        Self {
            shared,
            _end: Arc::new(end),
        }
    }

    /// Appends events to a stream, in order. The group and the stream exist from their first event.
    ///
    /// Waits while as much of this group waits to be written as may, and only then: what other
    /// groups do has no part in it. There is no error, since an invocation does not fail for its
    /// logs; what cannot be written is counted by [`LogStore::lost`]. A message longer than
    /// [`LOG_EVENT`](hearth_types::limits::LOG_EVENT) becomes several events.
    ///
    /// Names outside of CloudWatch's rules (a group: 1 to 512 of `A-Z a-z 0-9 . - _ / #`; a stream:
    /// at most 2048 bytes, without `:` and `*`) are the caller's mistake; their events are lost.
    pub async fn append(&self, scope: &Scope, group: &str, stream: &str, events: Vec<LogEvent>) {
        let fits = stream.len() <= MAX_STREAM && !stream.contains([':', '*']);
        let key = GroupKey::new(scope, group).filter(|_| fits);
        let Some(key) = key else {
            tracing::error!(group, stream, "logs for a group or stream that cannot exist");
            self.shared.lost.fetch_add(events.len() as u64, Ordering::Relaxed);
            return;
        };
        let group = self.shared.group_or_new(key);
        let ingestion_ms = unix_millis(SystemTime::now());
        let mut batch = Batch::default();
        for event in &events {
            let timestamp_ms = event.timestamp_ms.max(0);
            for message in pieces(&event.message) {
                batch.push(&Record {
                    ingestion_ms,
                    timestamp_ms,
                    stream,
                    message,
                });
                if batch.bytes.len() >= self.shared.options.buffer_bytes as usize / 4 {
                    self.hand_over(&group, std::mem::take(&mut batch)).await;
                }
            }
        }
        if !batch.is_empty() {
            self.hand_over(&group, batch).await;
        }
    }

    async fn hand_over(&self, group: &Arc<Group>, batch: Batch) {
        let pushed = group.push(batch).await;
        if pushed.first {
            self.shared.queue.ready(group.clone());
        }
        if pushed.pressing {
            self.shared.queue.press();
        }
    }

    /// Waits until everything appended before the call is written or lost.
    pub async fn flush(&self) {
        let groups: Vec<_> = self.shared.groups().values().cloned().collect();
        for group in groups {
            self.shared.queue.settle(group).await;
        }
    }

    /// Events that could not be written since the store was opened.
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }
}

/// Ends the writer when the last handle goes.
struct End {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(writer) = self.writer.take() {
            // An error means that the writer panicked, which was reported where it did.
            let _ = writer.join();
        }
    }
}
