//! The groups and streams that were made by request, with what was asked for them. Those that functions write to exist
//! without being here.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, RwLock, RwLockReadGuard};

use bytes::Bytes;
use hearth_store::{Document, Key, Kind, Store, StoreError, Unit, When};
use hearth_types::Scope;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::group_key::GroupKey;

const GROUP: Kind = Kind::new("log-group");
const STREAM: Kind = Kind::new("log-stream");
/// Between a group and a stream in an identifier; neither name can have it.
const SEPARATOR: char = ':';
/// Streams read at a time.
const STREAMS: usize = 1000;

/// What is known of a group besides its events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupRecord {
    /// When it was made, in milliseconds since the Unix epoch.
    pub(crate) created_ms: i64,
    /// How long its events are kept, where that was asked for.
    pub(crate) retention_days: Option<u32>,
    /// Its tags.
    pub(crate) tags: BTreeMap<String, String>,
}

/// What is known of a stream besides its events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamRecord {
    /// When it was made, in milliseconds since the Unix epoch.
    pub(crate) created_ms: i64,
}

type Groups = BTreeMap<GroupKey, GroupRecord>;

/// Groups are kept in memory too, streams, of which there may be many, in the store only.
///
/// Changes must take turns; that is up to whoever makes them.
pub(crate) struct Catalogue {
    store: Arc<dyn Store>,
    groups: RwLock<Groups>,
}

impl Catalogue {
    pub(crate) async fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let mut groups = Groups::new();
        for document in store.list_all(GROUP).await? {
            let record = read(&document)?;
            if let Some(key) = GroupKey::new(&document.key.scope, &document.key.id) {
                groups.insert(key, record);
            }
        }
        Ok(Self {
            store,
            groups: RwLock::new(groups),
        })
    }

    /// All groups, for a look.
    pub(crate) fn groups(&self) -> RwLockReadGuard<'_, Groups> {
        self.groups
            .read()
            .expect("nobody panics while holding the catalogue")
    }

    pub(crate) fn group(&self, key: &GroupKey) -> Option<GroupRecord> {
        self.groups().get(key).cloned()
    }

    /// The groups of an account and region that come behind a name and are wanted.
    pub(crate) fn groups_after(
        &self,
        scope: &Scope,
        after: &str,
        wanted: impl Fn(&str) -> bool,
        limit: usize,
    ) -> Vec<(GroupKey, GroupRecord)> {
        let after = GroupKey {
            scope: scope.clone(),
            name: after.into(),
        };
        let groups = self.groups();
        let later = groups.range((Bound::Excluded(after), Bound::Unbounded));
        later
            .take_while(|(key, _)| key.scope == *scope)
            .filter(|(key, _)| wanted(&key.name))
            .take(limit)
            .map(|(key, record)| (key.clone(), record.clone()))
            .collect()
    }

    /// Makes or replaces a group's record.
    pub(crate) async fn put_group(&self, key: &GroupKey, record: GroupRecord) -> Result<(), StoreError> {
        let unit = Unit::new().put(group_document(key), body(&record), When::Always);
        self.store.commit(unit).await?;
        self.change(|groups| groups.insert(key.clone(), record));
        Ok(())
    }

    /// Forgets a group and its streams.
    pub(crate) async fn delete_group(&self, key: &GroupKey) -> Result<(), StoreError> {
        let mut unit = Unit::new().delete(group_document(key), When::Always);
        for (stream, _) in self.streams(key).await? {
            unit = unit.delete(stream_document(key, &stream), When::Always);
        }
        self.store.commit(unit).await?;
        self.change(|groups| groups.remove(key));
        Ok(())
    }

    pub(crate) async fn stream(
        &self,
        group: &GroupKey,
        name: &str,
    ) -> Result<Option<StreamRecord>, StoreError> {
        let document = self.store.get(&stream_document(group, name)).await?;
        document.as_ref().map(read).transpose()
    }

    /// The streams of a group, by name.
    pub(crate) async fn streams(&self, group: &GroupKey) -> Result<Vec<(String, StreamRecord)>, StoreError> {
        let prefix = format!("{}{SEPARATOR}", group.name);
        let mut after = prefix.clone();
        let mut streams = Vec::new();
        loop {
            let page = self
                .store
                .list(&group.scope, STREAM, Some(&after), STREAMS)
                .await?;
            for document in &page {
                let Some(name) = document.key.id.strip_prefix(&prefix) else {
                    return Ok(streams);
                };
                streams.push((name.to_owned(), read(document)?));
            }
            match page.last() {
                Some(last) if page.len() == STREAMS => after.clone_from(&last.key.id),
                _ => return Ok(streams),
            }
        }
    }

    /// Makes a stream, and with it the record of its group.
    pub(crate) async fn put_stream(
        &self,
        group: &GroupKey,
        group_record: GroupRecord,
        name: &str,
        record: &StreamRecord,
    ) -> Result<(), StoreError> {
        let unit = Unit::new()
            .put(group_document(group), body(&group_record), When::Always)
            .put(stream_document(group, name), body(record), When::Always);
        self.store.commit(unit).await?;
        self.change(|groups| groups.insert(group.clone(), group_record));
        Ok(())
    }

    pub(crate) async fn delete_stream(&self, group: &GroupKey, name: &str) -> Result<(), StoreError> {
        let unit = Unit::new().delete(stream_document(group, name), When::Always);
        self.store.commit(unit).await.map(|_| ())
    }

    fn change<T>(&self, change: impl FnOnce(&mut Groups) -> T) {
        let groups = self.groups.write();
        change(&mut groups.expect("nobody panics while holding the catalogue"));
    }
}

fn group_document(key: &GroupKey) -> Key {
    Key::new(key.scope.clone(), GROUP, &*key.name)
}

fn stream_document(group: &GroupKey, stream: &str) -> Key {
    let id = format!("{}{SEPARATOR}{stream}", group.name);
    Key::new(group.scope.clone(), STREAM, id)
}

fn body(record: &impl Serialize) -> Bytes {
    serde_json::to_vec(record)
        .expect("a record has no key that is not a text")
        .into()
}

fn read<T: DeserializeOwned>(document: &Document) -> Result<T, StoreError> {
    serde_json::from_slice(&document.body)
        .map_err(|error| StoreError::Corrupt(format!("{}: {error}", document.key)))
}
