//! Appending so that it lasts, and deleting so that it is gone.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hearth_types::LogEvent;

use crate::batch::Batch;
use crate::group::Group;
use crate::group_key::GroupKey;
use crate::record::Record;
use crate::scan::Scan;
use crate::segments::{COPY, Segment};
use crate::store::{LogStore, WriteError};

impl LogStore {
    /// Appends events to a stream, in order. When this succeeds, they are on disk. Appends to one group at the same time
    /// share their syncs.
    ///
    /// # Errors
    /// When they could not be written or synced; some of them may be there.
    pub(crate) async fn append_durably(
        &self,
        key: &GroupKey,
        stream: &str,
        events: Vec<LogEvent>,
    ) -> Result<(), WriteError> {
        let group = self.shared.group_or_new(key.clone());
        let lost = group.lost();
        self.append(&key.scope, &key.name, stream, events).await;
        let written = self.shared.queue.settle(Arc::clone(&group)).await;
        if !written || group.lost() != lost {
            return Err(WriteError::Lost);
        }
        Ok(sync(&group, &self.shared.root).await?)
    }

    /// Deletes a group's events. Events that are appended meanwhile may stay.
    pub(crate) async fn delete_group(&self, key: &GroupKey) -> Result<(), WriteError> {
        let Some(group) = self.shared.groups().get(key).cloned() else {
            return Ok(());
        };
        let cleared = self.shared.queue.clear(Arc::clone(&group)).await;
        cleared.ok_or(WriteError::Lost)??;
        Ok(())
    }

    /// Deletes a stream's events: their records stay in their places, blank.
    pub(crate) async fn delete_stream(&self, key: &GroupKey, stream: &str) -> Result<(), WriteError> {
        let Some(group) = self.shared.groups().get(key).cloned() else {
            return Ok(());
        };
        if !self.shared.queue.settle(Arc::clone(&group)).await {
            return Err(WriteError::Lost);
        }
        let stream = stream.to_owned();
        let blanked = tokio::task::spawn_blocking(move || blank(&group, &stream));
        Ok(blanked.await.map_err(io::Error::other)??)
    }

    /// How long a group's events are kept from now on; `None` for as long as any other's.
    pub(crate) fn set_retention(&self, key: &GroupKey, retention: Option<Duration>) {
        let mut retentions = self.shared.retentions_mut();
        match retention {
            Some(retention) => retentions.insert(key.clone(), retention),
            None => retentions.remove(key),
        };
    }
}

/// Brings everything that is written of a group to the disk.
async fn sync(group: &Arc<Group>, root: &Path) -> io::Result<()> {
    let wanted = group.segments().end();
    let mut synced = group.synced.lock().await;
    if *synced >= wanted {
        return Ok(());
    }
    // Whoever waits for the lock meanwhile wants no more than this.
    let end = group.segments().end();
    let (begun, root, files) = (synced.0, root.to_owned(), Arc::clone(group));
    let done = tokio::task::spawn_blocking(move || sync_from(&files, begun, &root));
    done.await.map_err(io::Error::other)??;
    *synced = end;
    Ok(())
}

/// Syncs the segments from one on, and the directories that name those behind it.
fn sync_from(group: &Group, begun: u64, root: &Path) -> io::Result<()> {
    let (dir, ids) = {
        let segments = group.segments();
        let later = segments.list().filter(|segment| segment.id >= begun);
        let files: Vec<_> = later.map(|segment| (segment.id, segment.file())).collect();
        (segments.dir().to_owned(), files)
    };
    for (_, file) in &ids {
        sync_one(&dir.join(file))?;
    }
    if ids.iter().any(|(id, _)| *id > begun) {
        sync_directories(&dir, root)?;
    }
    Ok(())
}

/// Syncs a directory and those above it, down from the one that holds `root`.
pub(crate) fn sync_directories(dir: &Path, root: &Path) -> io::Result<()> {
    let ours = root.parent().unwrap_or(root);
    dir.ancestors()
        .take_while(|dir| dir.starts_with(ours))
        .try_for_each(sync_one)
}

/// What was deleted meanwhile needs no sync.
fn sync_one(path: &Path) -> io::Result<()> {
    match File::open(path).and_then(|file| file.sync_data()) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        synced => synced,
    }
}

/// Replaces the segments that hold events of a stream by copies in which those are blank. Each copy takes the place of
/// its original at once, so that a crash leaves the one or the other.
fn blank(group: &Group, stream: &str) -> io::Result<()> {
    let (dir, list) = {
        let mut segments = group.segments();
        segments.seal();
        let list: Vec<Segment> = segments.list().cloned().collect();
        (segments.dir().to_owned(), list)
    };
    for segment in &list {
        let path = dir.join(segment.file());
        let Some(copy) = blanked(&path, segment.bytes, stream)? else {
            continue;
        };
        // Holds off the writer, who alone deletes segments.
        let segments = group.segments();
        if segments.list().any(|listed| listed.id == segment.id) {
            fs::rename(&copy, &path)?;
        } else {
            fs::remove_file(&copy)?;
        }
    }
    sync_one(&dir)
}

/// Writes a segment's copy beside it, synced; `None` if the stream has no events in it.
fn blanked(path: &Path, bytes: u64, stream: &str) -> io::Result<Option<PathBuf>> {
    let mut scan = Scan::open(path, 0, bytes)?;
    let mut copy = Batch::default();
    let mut found = false;
    while let Some((_, record)) = scan.read()? {
        if record.stream == stream {
            found = true;
            copy.push(&Record {
                stream: &Record::blank_stream(record.stream.len()),
                message: &" ".repeat(record.message.len()),
                ..record
            });
        } else {
            copy.push(&record);
        }
    }
    if !found {
        return Ok(None);
    }
    let aside = path.with_extension(COPY);
    fs::write(&aside, &copy.bytes)?;
    File::open(&aside)?.sync_data()?;
    Ok(Some(aside))
}
