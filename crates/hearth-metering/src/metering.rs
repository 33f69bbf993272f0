//! The handle.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use hearth_engine::{FunctionMeter, Meter};
use hearth_types::{FunctionArn, Qualifier};

use crate::counter::Counter;
use crate::folder::{self, Folder};
use crate::keeper::{self, Keeper};
use crate::partition::Grain;
use crate::series::{Minute, SeriesKey};
use crate::shared::{Shared, lock};
use crate::{Bucket, MeteringOptions};

/// Counts what functions use. A cheap handle; clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Metering {
    pub(crate) shared: Arc<Shared>,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
    options: MeteringOptions,
}

impl Metering {
    /// One that keeps what is counted in a directory, where it finds what was counted before. Starts two threads, which
    /// end with [`Self::close`].
    ///
    /// # Errors
    /// When what is there cannot be read. A disk that is full is no error.
    pub fn open(root: &Path, options: MeteringOptions) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(Some(root.to_owned())));
        let (folds, more) = sync_channel(1);
        let folder = Folder::new(Arc::clone(&shared), root, options);
        let last = restore(&shared, &folder, root)?;
        let keeper = Keeper::new(Arc::clone(&shared), folder::journals(root), options, last, folds);
        let start = |name: &str, work: Box<dyn FnOnce() + Send>| {
            thread::Builder::new().name(name.to_owned()).spawn(work)
        };
        let threads = vec![
            start("metering", Box::new(move || keeper.run()))?,
            start("metering-fold", Box::new(move || folder.run(&more)))?,
        ];
        let metering = Self::of(shared, options);
        *lock(&metering.threads) = threads;
        Ok(metering)
    }

    pub(crate) fn of(shared: Arc<Shared>, options: MeteringOptions) -> Self {
        Self {
            shared,
            threads: Arc::default(),
            options,
        }
    }

    /// Writes down what has been counted and ends the threads. What is counted later is not kept.
    pub fn close(&self) {
        self.shared.close();
        for thread in std::mem::take(&mut *lock(&self.threads)) {
            // It has said why it panicked.
            let _ = thread.join();
        }
    }

    pub(crate) fn options(&self) -> &MeteringOptions {
        &self.options
    }

    /// Shows all counts of some minutes whose series are wanted, in no order; where hours are enough, those of the hours
    /// that these minutes are in. Reads files.
    ///
    /// # Errors
    /// When files cannot be read.
    pub(crate) fn visit(
        &self,
        grain: Grain,
        minutes: Range<Minute>,
        wanted: impl Fn(&SeriesKey) -> bool,
        mut each: impl FnMut(Minute, &SeriesKey, &Bucket),
    ) -> io::Result<()> {
        let step = grain.step();
        let minutes = minutes.start / step * step..minutes.end.div_ceil(step).saturating_mul(step);
        if minutes.is_empty() {
            return Ok(());
        }
        self.shared.collect();
        let _files = self.shared.files();
        for layer in self.shared.layers().all() {
            let counts = layer.range(minutes.clone()).filter(|(_, key, _)| wanted(key));
            counts.for_each(|(minute, key, bucket)| each(minute / step * step, key, bucket));
        }
        let Some(partitions) = self.shared.partitions(grain) else {
            return Ok(());
        };
        let span = grain.span();
        let numbers = minutes.start / span..minutes.end.div_ceil(span);
        for listed in partitions.list()? {
            if !numbers.contains(&listed.number) {
                continue;
            }
            let Some(mut partition) = partitions.open(listed.number)? else {
                continue;
            };
            while let Some(series) = partition.next_of(&wanted)? {
                for (time, bucket) in series.times.range(minutes.clone()) {
                    each(*time, &series.key, bucket);
                }
            }
        }
        Ok(())
    }
}

/// Reads the journals that there are; the highest number of one.
pub(crate) fn restore(shared: &Shared, folder: &Folder, root: &Path) -> io::Result<u64> {
    let mut last = 0;
    for sealed in keeper::recover(&folder::journals(root))? {
        last = sealed.journal;
        if folder.is_half_folded(&sealed)? {
            folder.fold_now(&sealed)?;
        } else {
            shared.layers_mut().sealed.push(Arc::new(sealed));
        }
    }
    Ok(last)
}

impl Meter for Metering {
    fn function(&self, arn: &FunctionArn, version: &Qualifier) -> Arc<dyn FunctionMeter> {
        let key = SeriesKey {
            scope: arn.scope.clone(),
            function: arn.name.clone(),
            version: version.clone(),
            qualifier: None,
        };
        Arc::new(Counter::new(Arc::clone(&self.shared), key))
    }
}
