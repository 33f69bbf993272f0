//! Reading: every read sees what was appended before it.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use hearth_types::Scope;
use hearth_types::time::unix_millis;

use crate::event::EventKey;
use crate::group::Group;
use crate::group_key::GroupKey;
use crate::page::{self, Page, Query};
use crate::record::Record;
use crate::scan::Scan;
use crate::segments::Segment;
use crate::store::LogStore;

/// Why logs could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing was ever logged to this group, or nothing of it is left.
    #[error("the log group does not exist")]
    NoGroup,
    /// The disk failed.
    #[error("the logs cannot be read")]
    Io(#[from] std::io::Error),
}

/// A log group as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSummary {
    /// Its name.
    pub name: Arc<str>,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// What it holds, in bytes.
    pub stored_bytes: u64,
}

/// A log stream as it is listed. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSummary {
    /// Its name.
    pub name: String,
    /// When it was made, or the first event that is left was appended.
    pub created_ms: i64,
    /// The earliest timestamp.
    pub first_event_ms: Option<i64>,
    /// The latest timestamp.
    pub last_event_ms: Option<i64>,
    /// When the last event was appended.
    pub last_ingestion_ms: Option<i64>,
}

impl StreamSummary {
    /// A stream without events.
    pub(crate) fn empty(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            created_ms: 0,
            first_event_ms: None,
            last_event_ms: None,
            last_ingestion_ms: None,
        }
    }
}

impl LogStore {
    /// The events of a group that a query asks for, a page of them.
    ///
    /// Keys never change, so paging on from the last key misses and repeats nothing that was there
    /// when the paging began, however much is appended meanwhile.
    ///
    /// # Errors
    /// When the group does not exist or the disk fails.
    pub async fn events(&self, scope: &Scope, group: &str, mut query: Query) -> Result<Page, ReadError> {
        let group = self.settled(scope, group).await?;
        query.from = query.from.max(EventKey::at(self.oldest_shown(&group)));
        self.blocking(move || {
            let (dir, segments) = snapshot(&group)?;
            let (page, learnt) = page::read(&dir, segments, &query)?;
            let mut segments = group.segments();
            learnt.into_iter().for_each(|(id, span)| segments.learn(id, span));
            Ok(page)
        })
        .await
    }

    /// The streams of a group, by name.
    ///
    /// # Errors
    /// When the group does not exist or the disk fails.
    pub async fn streams(&self, scope: &Scope, group: &str) -> Result<Vec<StreamSummary>, ReadError> {
        let group = self.settled(scope, group).await?;
        let store = self.clone();
        self.blocking(move || {
            let (dir, segments) = snapshot(&group)?;
            let mut streams = BTreeMap::new();
            let oldest = store.oldest_shown(&group);
            for segment in segments {
                let mut scan = Scan::open(&dir.join(segment.file()), 0, segment.bytes)?;
                while let Some((_, record)) = scan.read()? {
                    if record.is_blank() || record.timestamp_ms < oldest {
                        continue;
                    }
                    count(&mut streams, &record);
                }
            }
            Ok(streams.into_values().collect())
        })
        .await
    }

    /// The groups of an account and region whose names come behind `after` and are wanted, by name:
    /// at most `limit` of them.
    pub async fn groups(
        &self,
        scope: &Scope,
        after: &str,
        wanted: impl Fn(&str) -> bool,
        limit: usize,
    ) -> Vec<GroupSummary> {
        let after = GroupKey {
            scope: scope.clone(),
            name: after.into(),
        };
        let found: Vec<_> = {
            let groups = self.shared.groups();
            let later = groups.range((Bound::Excluded(after), Bound::Unbounded));
            let ours = later.take_while(|(key, _)| key.scope == *scope);
            ours.filter(|(key, _)| wanted(&key.name))
                .map(|(_, group)| group.clone())
                .collect()
        };
        let summaries = move || {
            Ok(found
                .iter()
                .filter_map(|group| summary(group))
                .take(limit)
                .collect())
        };
        self.blocking(summaries).await.unwrap_or_default()
    }

    /// A group that has events.
    pub(crate) fn group(&self, key: &GroupKey) -> Option<GroupSummary> {
        let group = self.shared.groups().get(key).cloned()?;
        summary(&group)
    }

    /// The time before which a group's events are not shown any more, though they may still lie there.
    fn oldest_shown(&self, group: &Group) -> i64 {
        let retention = self.shared.retention(&group.key);
        let oldest = retention.and_then(|retention| SystemTime::now().checked_sub(retention));
        oldest.map_or(0, unix_millis)
    }

    /// The group, once what was appended to it is written.
    pub(crate) async fn settled(&self, scope: &Scope, name: &str) -> Result<Arc<Group>, ReadError> {
        let key = GroupKey::new(scope, name).ok_or(ReadError::NoGroup)?;
        let group = self
            .shared
            .groups()
            .get(&key)
            .cloned()
            .ok_or(ReadError::NoGroup)?;
        self.shared.queue.settle(group.clone()).await;
        Ok(group)
    }

    /// Runs work on files off the async threads, a few at a time.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let permit = self
            .shared
            .scans
            .clone()
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let worked = tokio::task::spawn_blocking(move || {
            // Held by the work, which goes on even if the reader leaves.
            let _permit = permit;
            work()
        });
        worked
            .await
            .unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()))
    }
}

/// The group's segments as they are now. Later writes and deletions do not concern whoever reads it.
pub(crate) fn snapshot(group: &Group) -> Result<(PathBuf, Vec<Segment>), ReadError> {
    let segments = group.segments();
    if segments.bytes() == 0 {
        return Err(ReadError::NoGroup);
    }
    Ok((segments.dir().to_owned(), segments.list().cloned().collect()))
}

/// `None` for a group that has no event.
fn summary(group: &Group) -> Option<GroupSummary> {
    let stored_bytes = Some(group.bytes()).filter(|bytes| *bytes > 0)?;
    let segments = group.segments();
    let made = fs::metadata(segments.dir()).and_then(|dir| dir.created());
    let oldest = segments.list().next().map_or(0, |segment| segment.id as i64);
    Some(GroupSummary {
        name: group.key.name.clone(),
        created_ms: made.map_or(oldest, unix_millis),
        stored_bytes,
    })
}

fn count(streams: &mut BTreeMap<String, StreamSummary>, record: &Record<'_>) {
    if !streams.contains_key(record.stream) {
        let first = StreamSummary {
            created_ms: record.ingestion_ms,
            ..StreamSummary::empty(record.stream)
        };
        streams.insert(first.name.clone(), first);
    }
    if let Some(stream) = streams.get_mut(record.stream) {
        let (at, ingested) = (record.timestamp_ms, record.ingestion_ms);
        stream.first_event_ms = Some(stream.first_event_ms.map_or(at, |first| first.min(at)));
        stream.last_event_ms = stream.last_event_ms.max(Some(at));
        stream.last_ingestion_ms = stream.last_ingestion_ms.max(Some(ingested));
    }
}
