//! Counts by minute and series.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use crate::Bucket;
use crate::series::{Minute, SeriesKey};

/// What was counted, by minute and series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layer {
    minutes: BTreeMap<Minute, HashMap<Arc<SeriesKey>, Bucket>>,
}

impl Layer {
    /// Adds counts.
    pub(crate) fn add(&mut self, key: &Arc<SeriesKey>, minute: Minute, bucket: &Bucket) {
        let of_minute = self.minutes.entry(minute).or_default();
        match of_minute.get_mut(key) {
            Some(there) => there.merge(bucket),
            None => drop(of_minute.insert(Arc::clone(key), bucket.clone())),
        }
    }

    /// All counts of some minutes, oldest first.
    pub(crate) fn range(
        &self,
        minutes: Range<Minute>,
    ) -> impl Iterator<Item = (Minute, &SeriesKey, &Bucket)> {
        self.minutes
            .range(minutes)
            .flat_map(|(minute, of_minute)| of_minute.iter().map(|(key, bucket)| (*minute, &**key, bucket)))
    }
}
