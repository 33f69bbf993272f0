//! What the handles and the writer have in common.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::group::Group;
use crate::group_key::GroupKey;
use crate::options::LogOptions;
use crate::queue::Queue;
use crate::segments::Segments;

/// Passes over segments at the same time: enough for the disk, few enough for the functions.
const SCANS: usize = 4;

pub(crate) type Groups = BTreeMap<GroupKey, Arc<Group>>;
type Retentions = BTreeMap<GroupKey, Duration>;

/// The groups, the writer's queue and the bounds.
pub(crate) struct Shared {
    pub(crate) root: PathBuf,
    pub(crate) options: LogOptions,
    pub(crate) queue: Queue,
    /// Events that could not be written since the start.
    pub(crate) lost: AtomicU64,
    pub(crate) scans: Arc<Semaphore>,
    groups: RwLock<Groups>,
    /// How long the events of some groups are kept, where that was asked for.
    retentions: RwLock<Retentions>,
}

impl Shared {
    pub(crate) fn new(root: PathBuf, options: LogOptions, found: Vec<(GroupKey, Segments)>) -> Self {
        let group = |(key, segments): (GroupKey, Segments)| {
            (
                key.clone(),
                Arc::new(Group::new(key, segments, options.buffer_bytes)),
            )
        };
        let groups = RwLock::new(found.into_iter().map(group).collect());
        let (queue, lost, scans) = (Queue::new(), AtomicU64::new(0), Arc::new(Semaphore::new(SCANS)));
        Self {
            root,
            options,
            queue,
            lost,
            scans,
            groups,
            retentions: RwLock::default(),
        }
    }

    /// The group, made if there is none. It exists for readers once it has an event.
    pub(crate) fn group_or_new(&self, key: GroupKey) -> Arc<Group> {
        if let Some(group) = self.groups().get(&key) {
            return group.clone();
        }
        let new = || {
            let segments = Segments::new(key.dir(&self.root), Vec::new());
            Arc::new(Group::new(key.clone(), segments, self.options.buffer_bytes))
        };
        self.groups_mut().entry(key.clone()).or_insert_with(new).clone()
    }

    /// How long a group's events are kept, where that was asked for.
    pub(crate) fn retention(&self, key: &GroupKey) -> Option<Duration> {
        let retentions = self.retentions.read();
        let retentions = retentions.expect("nobody panics while holding the retentions");
        retentions.get(key).copied()
    }

    pub(crate) fn retentions_mut(&self) -> RwLockWriteGuard<'_, Retentions> {
        self.retentions
            .write()
            .expect("nobody panics while holding the retentions")
    }

    pub(crate) fn groups(&self) -> RwLockReadGuard<'_, Groups> {
        self.groups
            .read()
            .expect("nobody panics while holding the groups")
    }

    pub(crate) fn groups_mut(&self) -> RwLockWriteGuard<'_, Groups> {
        self.groups
            .write()
            .expect("nobody panics while holding the groups")
    }
}
