//! Counts for tests.

use std::time::Duration;

use hearth_engine::{Conclusion, InvocationRecord, Running};
use hearth_types::{FunctionName, Qualifier, Scope};
use proptest::prelude::*;

use crate::Bucket;
use crate::series::{Minute, SeriesKey};

/// One of few series, so that some meet.
pub(crate) fn any_key() -> impl Strategy<Value = SeriesKey> {
    let qualifier = prop_oneof![
        Just(None),
        Just(Some(Qualifier::Latest)),
        Just(Some(Qualifier::Version(7))),
        Just(Some(Qualifier::Alias("live".into()))),
    ];
    ("[ab]", 0u64..3, qualifier).prop_map(|(name, version, qualifier)| SeriesKey {
        scope: Scope::default(),
        function: FunctionName::parse(&name).unwrap(),
        version: match version {
            0 => Qualifier::Latest,
            number => Qualifier::Version(number),
        },
        qualifier,
    })
}

pub(crate) fn any_record() -> impl Strategy<Value = InvocationRecord> {
    let conclusion = prop::sample::select(vec![
        Conclusion::Success,
        Conclusion::Error,
        Conclusion::Timeout,
        Conclusion::OutOfMemory,
        Conclusion::Crash,
    ]);
    let second = 1_700_000_000u64..1_700_010_000;
    let micros = 0u64..900_000_000;
    let init = prop::option::of(0u64..10_000_000);
    let running = (1u32..50, 50u32..100, prop::option::of(1u32..50));
    (
        second,
        conclusion,
        micros,
        init,
        0u64..1_000_000,
        128u32..10_241,
        running,
    )
        .prop_map(
            |(second, conclusion, micros, init, bytes, memory_mb, running)| InvocationRecord {
                began: std::time::UNIX_EPOCH + Duration::from_secs(second),
                conclusion,
                duration: Duration::from_micros(micros),
                init: init.map(Duration::from_micros),
                cold: init.is_some(),
                waited: Duration::from_micros(micros / 7),
                memory_mb,
                max_memory_mb: memory_mb / 2,
                bytes_in: bytes,
                bytes_out: bytes / 3,
                running: Running {
                    function: running.0,
                    account: running.1,
                    unreserved: running.2,
                },
            },
        )
}

pub(crate) fn any_bucket() -> impl Strategy<Value = Bucket> {
    let counts = prop::array::uniform5(0u64..1 << 40);
    (prop::collection::vec(any_record(), 0..20), counts).prop_map(|(records, counts)| {
        let mut bucket = Bucket::default();
        records.iter().for_each(|record| bucket.add(record));
        [
            bucket.throttles,
            bucket.cpu_us,
            bucket.events_received,
            bucket.events_dropped,
            _,
        ] = counts;
        bucket.event_age.add(counts[4]);
        bucket
    })
}

/// What lies in some minutes.
pub(crate) type Entry = (SeriesKey, Minute, Bucket);

pub(crate) fn any_entries() -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::vec((any_key(), 28_333_333u32..28_333_500, any_bucket()), 0..12)
}
