//! Groups and streams as CloudWatch Logs knows them: those that were made by request and those that functions write to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hearth_store::{Store, StoreError};
use hearth_types::time::unix_millis;
use hearth_types::{LogEvent, Scope};
use tokio::sync::RwLock;

use crate::catalogue::{Catalogue, GroupRecord, StreamRecord};
use crate::group_key::GroupKey;
use crate::live::LiveTails;
use crate::page::{Page, Query, Streams};
use crate::read::{GroupSummary, ReadError, StreamSummary};
use crate::store::{LogStore, WriteError};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Groups, streams and their events. A clone is another handle.
#[derive(Clone)]
pub struct LogService {
    pub(crate) logs: LogStore,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) live: Arc<LiveTails>,
    /// Held alone by changes of groups and streams, and shared by those who write events that must not fall into one
    /// that is being deleted.
    turn: Arc<RwLock<()>>,
}

/// Why a change or a look failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    #[error("the log group does not exist")]
    NoGroup,
    #[error("the log stream does not exist")]
    NoStream,
    #[error("the log group exists")]
    GroupExists,
    #[error("the log stream exists")]
    StreamExists,
    #[error(transparent)]
    Read(ReadError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ReadError> for ServiceError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NoGroup => Self::NoGroup,
            other => Self::Read(other),
        }
    }
}

/// A group as it is listed, with what was asked for it.
#[derive(Debug)]
pub(crate) struct ListedGroup {
    pub(crate) summary: GroupSummary,
    pub(crate) retention_days: Option<u32>,
}

impl LogService {
    /// Opens the service on logs and on the state that says which groups and streams were made.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn open(logs: LogStore, store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let catalogue = Catalogue::open(store).await?;
        for (key, record) in catalogue.groups().iter() {
            logs.set_retention(key, record.retention_days.map(days));
        }
        Ok(Self {
            logs,
            catalogue: Arc::new(catalogue),
            live: Arc::default(),
            turn: Arc::default(),
        })
    }

    /// Ends what would go on without end, since the server stops: live tails.
    pub fn close(&self) {
        self.live.close();
    }

    /// Makes a group.
    pub(crate) async fn create_group(
        &self,
        key: &GroupKey,
        tags: BTreeMap<String, String>,
    ) -> Result<(), ServiceError> {
        let _turn = self.turn.write().await;
        if self.group(key).is_some() {
            return Err(ServiceError::GroupExists);
        }
        let record = GroupRecord { tags, ..new_group() };
        Ok(self.catalogue.put_group(key, record).await?)
    }

    /// Deletes a group, its streams and its events. Whoever writes to it afterwards makes it anew.
    pub(crate) async fn delete_group(&self, key: &GroupKey) -> Result<(), ServiceError> {
        let _turn = self.turn.write().await;
        self.group(key).ok_or(ServiceError::NoGroup)?;
        self.logs.delete_group(key).await?;
        self.catalogue.delete_group(key).await?;
        self.logs.set_retention(key, None);
        Ok(())
    }

    /// Changes what is known of a group.
    pub(crate) async fn change_group<E: From<ServiceError>>(
        &self,
        key: &GroupKey,
        change: impl FnOnce(&mut GroupRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let _turn = self.turn.write().await;
        let mut record = self.group(key).ok_or(ServiceError::NoGroup)?;
        change(&mut record)?;
        let retention = record.retention_days.map(days);
        let committed = self.catalogue.put_group(key, record).await;
        committed.map_err(ServiceError::from)?;
        self.logs.set_retention(key, retention);
        Ok(())
    }

    /// What is known of a group, `None` if there is none.
    pub(crate) fn group(&self, key: &GroupKey) -> Option<GroupRecord> {
        self.catalogue.group(key).or_else(|| {
            let summary = self.logs.group(key)?;
            Some(GroupRecord {
                created_ms: summary.created_ms,
                ..GroupRecord::default()
            })
        })
    }

    /// Makes a stream.
    pub(crate) async fn create_stream(&self, group: &GroupKey, name: &str) -> Result<(), ServiceError> {
        let _turn = self.turn.write().await;
        let record = self.group(group).ok_or(ServiceError::NoGroup)?;
        if self.has_stream(group, name).await? {
            return Err(ServiceError::StreamExists);
        }
        let stream = StreamRecord { created_ms: now_ms() };
        Ok(self.catalogue.put_stream(group, record, name, &stream).await?)
    }

    /// Deletes a stream and its events.
    pub(crate) async fn delete_stream(&self, group: &GroupKey, name: &str) -> Result<(), ServiceError> {
        let _turn = self.turn.write().await;
        self.group(group).ok_or(ServiceError::NoGroup)?;
        if !self.has_stream(group, name).await? {
            return Err(ServiceError::NoStream);
        }
        self.logs.delete_stream(group, name).await?;
        Ok(self.catalogue.delete_stream(group, name).await?)
    }

    pub(crate) async fn has_stream(&self, group: &GroupKey, name: &str) -> Result<bool, ServiceError> {
        if self.catalogue.stream(group, name).await?.is_some() {
            return Ok(true);
        }
        let any = Query {
            streams: Streams::Named(vec![name.to_owned()]),
            limit: 1,
            ..Query::default()
        };
        let page = self.events(&group.scope, &group.name, any).await?;
        Ok(!page.events.is_empty())
    }

    /// Writes events to a stream, which must be there. When this succeeds, they are on disk.
    pub(crate) async fn put_events(
        &self,
        group: &GroupKey,
        stream: &str,
        events: Vec<LogEvent>,
    ) -> Result<(), ServiceError> {
        let _turn = self.turn.read().await;
        self.group(group).ok_or(ServiceError::NoGroup)?;
        if !self.has_stream(group, stream).await? {
            return Err(ServiceError::NoStream);
        }
        Ok(self.logs.append_durably(group, stream, events).await?)
    }

    /// A page of events; empty for a group that has none.
    pub(crate) async fn events(
        &self,
        scope: &Scope,
        group: &str,
        query: Query,
    ) -> Result<Page, ServiceError> {
        match self.logs.events(scope, group, query).await {
            Err(ReadError::NoGroup) if self.is_known(scope, group) => Ok(Page {
                events: Vec::new(),
                next: None,
            }),
            read => Ok(read?),
        }
    }

    /// The streams of a group, by name.
    pub(crate) async fn streams(
        &self,
        scope: &Scope,
        group: &str,
    ) -> Result<Vec<StreamSummary>, ServiceError> {
        let key = GroupKey::new(scope, group).ok_or(ServiceError::NoGroup)?;
        let written = match self.logs.streams(scope, group).await {
            Err(ReadError::NoGroup) if self.is_known(scope, group) => Vec::new(),
            read => read?,
        };
        let mut streams: BTreeMap<String, StreamSummary> = written
            .into_iter()
            .map(|stream| (stream.name.clone(), stream))
            .collect();
        for (name, record) in self.catalogue.streams(&key).await? {
            let stream = streams
                .entry(name)
                .or_insert_with_key(|name| StreamSummary::empty(name));
            stream.created_ms = record.created_ms;
        }
        Ok(streams.into_values().collect())
    }

    /// The groups of an account and region whose names come behind `after` and are wanted, by name.
    pub(crate) async fn groups(
        &self,
        scope: &Scope,
        after: &str,
        wanted: impl Fn(&str) -> bool,
        limit: usize,
    ) -> Vec<ListedGroup> {
        let mut groups = BTreeMap::new();
        for (key, record) in self.catalogue.groups_after(scope, after, &wanted, limit) {
            let name = Arc::clone(&key.name);
            let summary = GroupSummary {
                name: Arc::clone(&name),
                created_ms: record.created_ms,
                stored_bytes: 0,
            };
            let listed = ListedGroup {
                summary,
                retention_days: record.retention_days,
            };
            groups.insert(name, listed);
        }
        for summary in self.logs.groups(scope, after, wanted, limit).await {
            let stored_bytes = summary.stored_bytes;
            let listed = groups
                .entry(Arc::clone(&summary.name))
                .or_insert_with(|| ListedGroup {
                    summary,
                    retention_days: None,
                });
            listed.summary.stored_bytes = stored_bytes;
        }
        groups.into_values().take(limit).collect()
    }

    fn is_known(&self, scope: &Scope, group: &str) -> bool {
        GroupKey::new(scope, group).is_some_and(|key| self.catalogue.group(&key).is_some())
    }
}

fn new_group() -> GroupRecord {
    GroupRecord {
        created_ms: now_ms(),
        ..GroupRecord::default()
    }
}

pub(crate) fn now_ms() -> i64 {
    unix_millis(SystemTime::now())
}

pub(crate) fn days(days: u32) -> Duration {
    DAY * days
}
