//! What is counted, as far as it is in memory.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use std::thread::Thread;
use std::time::Duration;

use crate::layer::Layer;
use crate::partition::{Grain, Partitions};
use crate::prometheus::Totals;
use crate::series::{Series, SeriesKey};

/// Shared by the counters, the queries and the threads that keep what was counted.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Where it is kept, if it is.
    pub(crate) root: Option<PathBuf>,
    series: Mutex<HashMap<Arc<SeriesKey>, Arc<Series>>>,
    /// Those in which something waits.
    changed: Mutex<Vec<Arc<Series>>>,
    layers: RwLock<Layers>,
    /// Since the start.
    totals: Mutex<Totals>,
    /// Held to change which files there are, and to read them: what is folded moves from a layer to partitions in one
    /// step. Taken before the layers are.
    files: RwLock<()>,
    /// Who writes the journal.
    keeper: OnceLock<Thread>,
    closing: Mutex<bool>,
    closes: Condvar,
}

/// What has been collected from the counters. Each count is in one of these, or in the partitions.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    /// Not in the journal yet.
    pub(crate) unwritten: Layer,
    /// On its way into the journal.
    pub(crate) writing: Arc<Layer>,
    /// In the journal.
    pub(crate) written: Layer,
    /// In earlier journals, which are to be folded, oldest first.
    pub(crate) sealed: Vec<Arc<Sealed>>,
}

/// What is in a journal that is complete.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) journal: u64,
    pub(crate) counts: Layer,
}

impl Layers {
    /// All there are.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Layer> {
        let sealed = self.sealed.iter().map(|sealed| &sealed.counts);
        sealed.chain([&self.written, &*self.writing, &self.unwritten])
    }
}

impl Shared {
    pub(crate) fn new(root: Option<PathBuf>) -> Self {
        Self {
            root,
            ..Self::default()
        }
    }

    /// Where counts of a series go.
    pub(crate) fn series(&self, key: SeriesKey) -> Arc<Series> {
        let mut all = lock(&self.series);
        if let Some(series) = all.get(&key) {
            return Arc::clone(series);
        }
        let key = Arc::new(key);
        let series = Arc::new(Series::new(Arc::clone(&key)));
        all.insert(key, Arc::clone(&series));
        series
    }

    /// Forgets the series of functions that are gone.
    pub(crate) fn forget(&self) {
        // Held by nobody else: no counter is left, and nothing waits in it.
        lock(&self.series).retain(|_, series| Arc::strong_count(series) > 1);
    }

    /// Something waits in a series in which nothing did.
    pub(crate) fn changed(&self, series: &Arc<Series>) {
        let mut changed = lock(&self.changed);
        changed.push(Arc::clone(series));
        let first = changed.len() == 1;
        drop(changed);
        if first && let Some(keeper) = self.keeper.get() {
            keeper.unpark();
        }
    }

    /// Moves what waits in the series to the layers.
    pub(crate) fn collect(&self) {
        let changed = std::mem::take(&mut *lock(&self.changed));
        if changed.is_empty() {
            return;
        }
        let mut layers = self.layers_mut();
        let mut totals = self.totals();
        for series in changed {
            for (minute, bucket) in series.take() {
                totals.add(&series.key, &bucket);
                layers.unwritten.add(&series.key, minute, &bucket);
            }
        }
    }

    /// What has been counted since the start.
    pub(crate) fn totals(&self) -> MutexGuard<'_, Totals> {
        lock(&self.totals)
    }

    pub(crate) fn layers(&self) -> RwLockReadGuard<'_, Layers> {
        self.layers.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn layers_mut(&self) -> RwLockWriteGuard<'_, Layers> {
        self.layers.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn files(&self) -> RwLockReadGuard<'_, ()> {
        self.files.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn files_mut(&self) -> RwLockWriteGuard<'_, ()> {
        self.files.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The partitions of a grain, if anything is kept.
    pub(crate) fn partitions(&self, grain: Grain) -> Option<Partitions> {
        self.root.as_deref().map(|root| Partitions::new(root, grain))
    }

    /// The calling thread writes the journal from now on.
    pub(crate) fn keep(&self) {
        // It is the only one that does.
        let _ = self.keeper.set(std::thread::current());
    }

    /// Waits until something has been counted; not for ever where `patience` is given. Returns too when it closes.
    pub(crate) fn wait(&self, patience: Option<Duration>) {
        if let Some(patience) = patience {
            self.pause(patience);
            return;
        }
        while lock(&self.changed).is_empty() && self.layers().unwritten.is_empty() && !self.is_closing() {
            std::thread::park();
        }
    }

    /// Lets some time pass, unless it closes.
    pub(crate) fn pause(&self, time: Duration) {
        let closing = lock(&self.closing);
        drop(self.closes.wait_timeout_while(closing, time, |closing| !*closing));
    }

    pub(crate) fn is_closing(&self) -> bool {
        *lock(&self.closing)
    }

    /// Has the threads end when they have written what there is.
    pub(crate) fn close(&self) {
        *lock(&self.closing) = true;
        self.closes.notify_all();
        if let Some(keeper) = self.keeper.get() {
            keeper.unpark();
        }
    }
}

/// Counting goes on whatever has panicked: each step leaves counts that are sound.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
