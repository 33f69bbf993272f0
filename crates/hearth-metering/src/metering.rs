//! The handle.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use hearth_engine::{FunctionMeter, Meter};
use hearth_types::{FunctionArn, Qualifier};

use crate::counter::Counter;
use crate::layer::Layer;
use crate::series::{Series, SeriesKey};

/// Counts what functions use. A cheap handle; clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Metering(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    series: Mutex<HashMap<Arc<SeriesKey>, Arc<Series>>>,
    layer: RwLock<Layer>,
}

impl Metering {
    /// Moves what has been counted to where queries look.
    pub fn collect(&self) {
        let mut all = self.lock();
        let mut layer = self.0.layer.write().expect("no holder of this lock panics");
        all.retain(|key, series| {
            for (minute, bucket) in series.take() {
                layer.add(key, minute, &bucket);
            }
            // Held by nobody else: the function is gone, and nothing can have been counted since.
            Arc::strong_count(series) > 1
        });
    }

    /// Looks at all that has been counted.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&Layer) -> R) -> R {
        self.collect();
        look(&self.0.layer.read().expect("no holder of this lock panics"))
    }

    /// Where counts of a series go.
    pub(crate) fn series(&self, key: SeriesKey) -> Arc<Series> {
        let mut all = self.lock();
        if let Some(series) = all.get(&key) {
            return Arc::clone(series);
        }
        let series = Arc::new(Series::new(key.clone()));
        all.insert(Arc::new(key), Arc::clone(&series));
        series
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<SeriesKey>, Arc<Series>>> {
        self.0.series.lock().expect("no holder of this lock panics")
    }
}

impl Meter for Metering {
    fn function(&self, arn: &FunctionArn, version: &Qualifier) -> Arc<dyn FunctionMeter> {
        let key = SeriesKey {
            scope: arn.scope.clone(),
            function: arn.name.clone(),
            version: version.clone(),
            qualifier: None,
        };
        Arc::new(Counter::new(self.clone(), key))
    }
}
