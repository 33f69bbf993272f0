//! Whatever happens when, every count that was written is there once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, UNIX_EPOCH};

use hearth_engine::InvocationRecord;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::folder::{self, Folder};
use crate::keeper::Keeper;
use crate::metering::restore;
use crate::partition::Grain;
use crate::series::{Minute, SeriesKey, minute};
use crate::shared::Shared;
use crate::testing::{any_key, any_record};
use crate::{Bucket, Metering, MeteringOptions};

/// Where a server ends while it folds.
#[derive(Clone, Copy, Debug)]
enum Crash {
    /// New partitions lie beside the old ones.
    Prepared,
    /// Some of them are in their places.
    HalfPublished,
    /// All of them are, and the journal is there still.
    Published,
}

#[derive(Clone, Debug)]
enum Step {
    Count(SeriesKey, Box<InvocationRecord>),
    Write,
    Seal,
    Fold,
    /// It closes, and what was counted is written.
    Stop,
    /// It ends at once.
    Kill,
    KillWhileFolding(Crash),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let crash = prop::sample::select(vec![Crash::Prepared, Crash::HalfPublished, Crash::Published]);
    let step = prop_oneof![
        6 => (any_key(), any_record()).prop_map(|(key, record)| Step::Count(key, Box::new(record))),
        3 => Just(Step::Write),
        1 => Just(Step::Seal),
        1 => Just(Step::Fold),
        1 => Just(Step::Stop),
        1 => Just(Step::Kill),
        1 => crash.prop_map(Step::KillWhileFolding),
    ];
    prop::collection::vec(step, 0..40)
}

/// A server without threads.
struct Server {
    metering: Metering,
    keeper: Keeper,
    folder: Folder,
    _more: Receiver<()>,
}

impl Server {
    fn start(root: &Path) -> Self {
        let shared = Arc::new(Shared::new(Some(root.to_owned())));
        let options = MeteringOptions {
            // The records of the tests are old.
            minutes: Duration::from_secs(1 << 32),
            hours: Duration::from_secs(1 << 32),
            ..MeteringOptions::default()
        };
        let folder = Folder::new(Arc::clone(&shared), root, options);
        let last = restore(&shared, &folder, root).unwrap();
        let (folds, more) = sync_channel(1);
        let keeper = Keeper::new(Arc::clone(&shared), folder::journals(root), options, last, folds);
        let mut server = Self {
            metering: Metering::of(shared, options),
            keeper,
            folder,
            _more: more,
        };
        server.keeper.step();
        server
    }

    fn count(&self, key: &SeriesKey, record: &InvocationRecord) {
        let series = self.metering.shared.series(key.clone());
        if series.count(record.began, |bucket| bucket.add(record)) {
            self.metering.shared.changed(&series);
        }
    }

    fn fold_until(&self, crash: Crash) {
        let Some(sealed) = self.metering.shared.layers().sealed.first().cloned() else {
            return;
        };
        self.folder.prepare(&sealed).unwrap();
        let published = match crash {
            Crash::Prepared => 0,
            Crash::HalfPublished => 1,
            Crash::Published => 2,
        };
        for partitions in &self.folder.partitions[..published] {
            partitions.publish().unwrap();
        }
    }
}

type Counts = BTreeMap<(SeriesKey, Minute), Bucket>;

fn add(counts: &mut Counts, key: &SeriesKey, minute: Minute, bucket: &Bucket) {
    counts.entry((key.clone(), minute)).or_default().merge(bucket);
}

/// All that queries see.
fn seen(metering: &Metering, grain: Grain) -> Counts {
    let mut counts = Counts::new();
    let each = |minute, key: &SeriesKey, bucket: &Bucket| add(&mut counts, key, minute, bucket);
    metering
        .visit(grain, 0..Minute::MAX - 60 * 24, |_| true, each)
        .unwrap();
    counts
}

fn by_hour(counts: &Counts) -> Counts {
    let mut hours = Counts::new();
    for ((key, minute), bucket) in counts {
        add(&mut hours, key, minute / 60 * 60, bucket);
    }
    hours
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_count_that_was_written_is_there_once(steps in steps()) {
        let dir = TempDir::new().unwrap();
        let mut server = Server::start(dir.path());
        let (mut written, mut fresh) = (Counts::new(), Counts::new());
        for step in steps {
            let killed = match step {
                Step::Count(key, record) => {
                    server.count(&key, &record);
                    let mut bucket = Bucket::default();
                    bucket.add(&record);
                    add(&mut fresh, &key, minute(record.began), &bucket);
                    false
                }
                Step::Write | Step::Stop => {
                    server.keeper.step();
                    for ((key, minute), bucket) in std::mem::take(&mut fresh) {
                        add(&mut written, &key, minute, &bucket);
                    }
                    matches!(step, Step::Stop)
                }
                Step::Seal => {
                    // As the keeper does: one journal at a time waits to be folded.
                    if server.metering.shared.layers().sealed.is_empty() {
                        server.keeper.seal();
                    }
                    false
                }
                Step::Fold => {
                    server.folder.fold_all().unwrap();
                    false
                }
                Step::Kill => true,
                Step::KillWhileFolding(crash) => {
                    server.fold_until(crash);
                    true
                }
            };
            if killed {
                fresh.clear();
                server = Server::start(dir.path());
            }
            let mut expected = written.clone();
            for ((key, minute), bucket) in &fresh {
                add(&mut expected, key, *minute, bucket);
            }
            prop_assert_eq!(&seen(&server.metering, Grain::Minutes), &expected);
            prop_assert_eq!(seen(&server.metering, Grain::Hours), by_hour(&expected));
        }
    }

    /// Who counts and who collects do not wait for one another, and nothing falls between them.
    #[test]
    fn nothing_is_lost_between_threads(threads in 1usize..5, each in 1u64..2000) {
        let metering = Metering::default();
        let key = || SeriesKey {
            scope: Default::default(),
            function: hearth_types::FunctionName::parse("f").unwrap(),
            version: Default::default(),
            qualifier: None,
        };
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let metering = &metering;
                scope.spawn(move || {
                    let counter = crate::counter::Counter::new(Arc::clone(&metering.shared), key());
                    for n in 0..each {
                        let at = UNIX_EPOCH + Duration::from_secs(n % 180);
                        let qualifier = (thread % 2 == 0).then_some("live");
                        counter.count(qualifier, at, |bucket| bucket.duration.add(n));
                    }
                });
            }
            for _ in 0..20 {
                metering.shared.collect();
            }
        });
        let total: u64 = seen(&metering, Grain::Minutes).values().map(Bucket::invocations).sum();
        prop_assert_eq!(total, threads as u64 * each);
    }
}

#[test]
fn what_is_too_old_or_too_much_goes() {
    let dir = TempDir::new().unwrap();
    let mut server = Server::start(dir.path());
    let day = 24 * 3600;
    let now = UNIX_EPOCH + Duration::from_secs(2_000_000_000);
    let counter = crate::counter::Counter::new(
        Arc::clone(&server.metering.shared),
        SeriesKey {
            scope: Default::default(),
            function: hearth_types::FunctionName::parse("f").unwrap(),
            version: Default::default(),
            qualifier: None,
        },
    );
    for days in [500, 400, 20, 10, 1] {
        counter.count(None, now - Duration::from_secs(days * day), |bucket| {
            bucket.throttles += 1
        });
    }
    server.keeper.step();
    server.keeper.seal();
    server.folder.fold_all().unwrap();
    let ages = |grain| {
        let days = |minute: Minute| (2_000_000_000 / 60 - u64::from(minute)) / (24 * 60);
        let counts = seen(&server.metering, grain);
        let mut ages: Vec<_> = counts.keys().map(|(_, minute)| days(*minute)).collect();
        ages.sort_unstable();
        ages
    };
    assert_eq!(ages(Grain::Minutes), [1, 10, 20, 400, 500]);
    let mut folder = server.folder;
    folder.options = MeteringOptions::default();
    folder.expire(now).unwrap();
    assert_eq!(ages(Grain::Minutes), [1, 10]);
    assert_eq!(ages(Grain::Hours), [1, 10, 20, 400]);
    let sizes = folder
        .partitions
        .iter()
        .map(|partitions| partitions.list().unwrap());
    let total: u64 = sizes.flatten().map(|listed| listed.bytes).sum();
    folder.options.total_bytes = total - 1;
    folder.expire(now).unwrap();
    assert_eq!(
        (ages(Grain::Minutes), ages(Grain::Hours)),
        (vec![1], vec![1, 10, 20, 400])
    );
    folder.options.total_bytes = 0;
    folder.expire(now).unwrap();
    assert_eq!((ages(Grain::Minutes), ages(Grain::Hours)), (vec![], vec![]));
}

#[test]
fn a_damaged_partition_loses_only_what_is_damaged() {
    let dir = TempDir::new().unwrap();
    let mut server = Server::start(dir.path());
    for name in ["a", "b"] {
        let series = server.metering.shared.series(SeriesKey {
            scope: Default::default(),
            function: hearth_types::FunctionName::parse(name).unwrap(),
            version: Default::default(),
            qualifier: None,
        });
        series.count(UNIX_EPOCH, |bucket| bucket.throttles += 1);
        server.metering.shared.changed(&series);
    }
    server.keeper.step();
    server.keeper.seal();
    server.folder.fold_all().unwrap();
    let path = dir.path().join("minutes/0");
    let bytes = std::fs::read(&path).unwrap();
    // The second series and the end are gone.
    std::fs::write(&path, &bytes[..bytes.len() - 30]).unwrap();
    let left = seen(&server.metering, Grain::Minutes);
    assert_eq!(
        left.keys()
            .map(|(key, _)| key.function.as_str())
            .collect::<Vec<_>>(),
        ["a"]
    );
    assert_eq!(seen(&server.metering, Grain::Hours).len(), 2);
}
