//! What is told apart: functions, their versions, and the names they are invoked by.

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use hearth_types::{FunctionName, Qualifier, Scope};

use crate::Bucket;
use crate::shared::lock;

/// A minute, counted from the Unix epoch.
pub(crate) type Minute = u32;

/// The minute that a time is in.
pub(crate) fn minute(at: SystemTime) -> Minute {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs() / 60).unwrap_or(u32::MAX)
}

/// Whose counts they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeriesKey {
    pub(crate) scope: Scope,
    pub(crate) function: FunctionName,
    /// What ran: `$LATEST` or a version.
    pub(crate) version: Qualifier,
    /// By which version or alias it was invoked, if by any.
    pub(crate) qualifier: Option<Qualifier>,
}

/// Where the counts of one series wait until they are collected.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) key: Arc<SeriesKey>,
    /// Of the minutes since then: nearly always one.
    waiting: Mutex<Vec<(Minute, Bucket)>>,
}

impl Series {
    pub(crate) fn new(key: Arc<SeriesKey>) -> Self {
        Self {
            key,
            waiting: Mutex::default(),
        }
    }

    /// Counts something at a time; whether nothing waited before. Held for a moment only: the collector takes what is
    /// there in one step, and who invokes the same function at the same time waits some tens of nanoseconds.
    pub(crate) fn count(&self, at: SystemTime, add: impl FnOnce(&mut Bucket)) -> bool {
        let minute = minute(at);
        let mut waiting = lock(&self.waiting);
        let first = waiting.is_empty();
        let place = match waiting.iter().rposition(|(of, _)| *of == minute) {
            Some(place) => place,
            None => {
                waiting.push((minute, Bucket::default()));
                waiting.len() - 1
            }
        };
        add(&mut waiting[place].1);
        first
    }

    /// Takes what has been counted since the last time.
    pub(crate) fn take(&self) -> Vec<(Minute, Bucket)> {
        std::mem::take(&mut *lock(&self.waiting))
    }
}
