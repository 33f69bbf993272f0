//! Counts by minute and series.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeBounds;
use std::sync::Arc;

use crate::Bucket;
use crate::series::{Minute, SeriesKey};

/// What was counted, by minute and series.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Layer {
    minutes: BTreeMap<Minute, HashMap<Arc<SeriesKey>, Bucket>>,
    /// About how much memory it takes.
    bytes: usize,
}

impl Layer {
    /// Adds counts.
    pub(crate) fn add(&mut self, key: &Arc<SeriesKey>, minute: Minute, bucket: &Bucket) {
        let of_minute = self.minutes.entry(minute).or_default();
        match of_minute.get_mut(key) {
            Some(there) => {
                let before = there.heap_bytes();
                there.merge(bucket);
                self.bytes += there.heap_bytes().saturating_sub(before);
            }
            None => {
                self.bytes += size_of::<(Arc<SeriesKey>, Bucket)>() + bucket.heap_bytes();
                of_minute.insert(Arc::clone(key), bucket.clone());
            }
        }
    }

    /// Adds all that another one has.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (minute, of_minute) in &other.minutes {
            of_minute
                .iter()
                .for_each(|(key, bucket)| self.add(key, *minute, bucket));
        }
    }

    /// All counts of some minutes, oldest first.
    pub(crate) fn range(
        &self,
        minutes: impl RangeBounds<Minute>,
    ) -> impl Iterator<Item = (Minute, &Arc<SeriesKey>, &Bucket)> {
        self.minutes
            .range(minutes)
            .flat_map(|(minute, of_minute)| of_minute.iter().map(|(key, bucket)| (*minute, key, bucket)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.minutes.is_empty()
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Drops what is oldest until it takes no more than so much; how many invocations that were.
    pub(crate) fn shrink(&mut self, bytes: usize) -> u64 {
        let mut dropped = 0;
        while self.bytes > bytes
            && let Some((_, of_minute)) = self.minutes.pop_first()
        {
            for bucket in of_minute.values() {
                self.bytes -= size_of::<(Arc<SeriesKey>, Bucket)>() + bucket.heap_bytes();
                dropped += bucket.invocations();
            }
        }
        dropped
    }
}
