//! What the engine holds per function and version.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use hearth_engine::{FunctionMeter, InvocationRecord, QueuedEvent};
use hearth_types::Qualifier;

use crate::Bucket;
use crate::bucket::micros;
use crate::series::{Series, SeriesKey};
use crate::shared::Shared;

/// Counts the invocations of one version, by the names it is invoked by.
#[derive(Debug)]
pub(crate) struct Counter {
    shared: Arc<Shared>,
    /// Invocations without a qualifier.
    plain: Arc<Series>,
    qualified: RwLock<HashMap<Box<str>, Arc<Series>>>,
}

impl Counter {
    pub(crate) fn new(shared: Arc<Shared>, key: SeriesKey) -> Self {
        Self {
            plain: shared.series(key),
            shared,
            qualified: RwLock::default(),
        }
    }

    pub(crate) fn count(&self, qualifier: Option<&str>, at: SystemTime, add: impl FnOnce(&mut Bucket)) {
        let named;
        let series = match qualifier {
            None => &self.plain,
            Some(text) => {
                named = self.named(text);
                &named
            }
        };
        if series.count(at, add) {
            self.shared.changed(series);
        }
    }

    fn named(&self, text: &str) -> Arc<Series> {
        let known = self.qualified.read().expect("no holder of this lock panics");
        if let Some(series) = known.get(text) {
            return Arc::clone(series);
        }
        drop(known);
        let series = self.shared.series(SeriesKey {
            qualifier: Qualifier::parse(text),
            ..(*self.plain.key).clone()
        });
        let mut known = self.qualified.write().expect("no holder of this lock panics");
        known.insert(text.into(), Arc::clone(&series));
        series
    }
}

impl FunctionMeter for Counter {
    fn invoked(&self, qualifier: Option<&str>, record: &InvocationRecord) {
        self.count(qualifier, record.began, |bucket| bucket.add(record));
    }

    fn throttled(&self, qualifier: Option<&str>) {
        self.count(qualifier, SystemTime::now(), |bucket| bucket.throttles += 1);
    }

    fn event(&self, qualifier: Option<&str>, what: QueuedEvent) {
        self.count(qualifier, SystemTime::now(), |bucket| match what {
            QueuedEvent::Received => bucket.events_received += 1,
            QueuedEvent::Attempted(age) => bucket.event_age.add(micros(age)),
            QueuedEvent::Dropped => bucket.events_dropped += 1,
        });
    }

    fn used_cpu(&self, time: Duration) {
        self.count(None, SystemTime::now(), |bucket| bucket.cpu_us += micros(time));
    }
}
