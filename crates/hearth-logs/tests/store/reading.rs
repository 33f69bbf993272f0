//! What was appended is read: at once, in order, page by page, each event once.

use std::sync::Arc;
use std::time::Duration;

use crate::common::{GROUP, all, line, open, scope};
use hearth_logs::{
    EventKey, FilterPattern, LogOptions, LogStore, Order, PAGE_BYTES, Query, ReadError, Streams, Wanted,
};
use proptest::prelude::*;

fn small() -> LogOptions {
    LogOptions {
        segment_bytes: 600,
        buffer_bytes: 2000,
        ..LogOptions::default()
    }
}

fn messages(events: &[hearth_logs::Event]) -> Vec<&str> {
    events.iter().map(|event| event.message.as_str()).collect()
}

#[tokio::test]
async fn a_read_sees_what_was_appended_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), small());
    assert!(matches!(
        store.events(&scope(), GROUP, Query::default()).await,
        Err(ReadError::NoGroup)
    ));
    for n in 0..50 {
        store
            .append(&scope(), GROUP, "s", vec![line(n, n.to_string())])
            .await;
        let query = Query {
            from: EventKey::at(n),
            ..Query::default()
        };
        let page = store.events(&scope(), GROUP, query).await.unwrap();
        assert_eq!(messages(&page.events), [n.to_string()]);
    }
}

#[tokio::test]
async fn scopes_do_not_see_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), small());
    store.append(&scope(), GROUP, "s", vec![line(1, "here")]).await;
    let mut other = scope();
    other.region = hearth_types::Region::parse("eu-central-1").unwrap();
    assert!(matches!(
        store.events(&other, GROUP, Query::default()).await,
        Err(ReadError::NoGroup)
    ));
    assert!(store.groups(&other, "", |_| true, 10).await.is_empty());
}

#[tokio::test]
async fn streams_times_and_text_choose_events() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), small());
    for (stream, timestamp, message) in [("a/1", 3, "one"), ("a/2", 1, "two"), ("b", 2, "two three")] {
        store
            .append(&scope(), GROUP, stream, vec![line(timestamp, message)])
            .await;
    }
    let find = async |query: Query| {
        let page = store.events(&scope(), GROUP, query).await.unwrap();
        page.events
            .into_iter()
            .map(|event| event.message)
            .collect::<Vec<_>>()
    };
    assert_eq!(find(Query::default()).await, ["two", "two three", "one"]);
    let named = Streams::Named(vec!["a/2".into(), "b".into()]);
    assert_eq!(
        find(Query {
            streams: named,
            ..Query::default()
        })
        .await,
        ["two", "two three"]
    );
    let prefixed = Streams::Prefixed("a/".into());
    assert_eq!(
        find(Query {
            streams: prefixed,
            ..Query::default()
        })
        .await,
        ["two", "one"]
    );
    let pattern = FilterPattern::parse("two -three").unwrap();
    assert_eq!(
        find(Query {
            pattern,
            ..Query::default()
        })
        .await,
        ["two"]
    );
    let range = Query {
        from: EventKey::at(2),
        to: EventKey::at(3),
        ..Query::default()
    };
    assert_eq!(find(range).await, ["two three"]);
}

#[tokio::test]
async fn a_page_ends_at_a_megabyte_but_is_never_empty_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), LogOptions::default());
    let sizes = [600_000, 400_000, 100_000, 3_000_000];
    let events = sizes
        .iter()
        .zip(0..)
        .map(|(size, at)| line(at, "x".repeat(*size)))
        .collect();
    store.append(&scope(), GROUP, "s", events).await;
    let first = store.events(&scope(), GROUP, Query::default()).await.unwrap();
    assert_eq!(
        first
            .events
            .iter()
            .map(|event| event.message.len())
            .collect::<Vec<_>>(),
        [600_000, 400_000]
    );
    assert!(first.next.is_some());
    let lengths: Vec<_> = all(&store, GROUP)
        .await
        .iter()
        .map(|event| event.message.len())
        .collect();
    assert_eq!(
        lengths,
        [600_000, 400_000, 100_000, 1 << 20, 1 << 20, 3_000_000 - (2 << 20)]
    );
}

#[tokio::test]
async fn streams_and_groups_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), small());
    for (group, stream, timestamp) in [
        ("a", "s2", 5),
        ("a", "s1", 9),
        ("a", "s2", 3),
        ("b", "s", 1),
        ("c", "s", 1),
    ] {
        store
            .append(&scope(), group, stream, vec![line(timestamp, "m")])
            .await;
    }
    let streams = store.streams(&scope(), "a").await.unwrap();
    let found: Vec<_> = streams
        .iter()
        .map(|s| (s.name.as_str(), s.first_event_ms, s.last_event_ms))
        .collect();
    assert_eq!(found, [("s1", Some(9), Some(9)), ("s2", Some(3), Some(5))]);
    let names = async |after: &str, limit: usize| {
        let groups = store.groups(&scope(), after, |name| name != "b", limit).await;
        groups
            .iter()
            .map(|group| group.name.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("", 10).await, ["a", "c"]);
    assert_eq!(names("a", 10).await, ["c"]);
    assert_eq!(names("", 1).await, ["a"]);
    store.flush().await;
    let on_disk: u64 = crate::common::files(dir.path())
        .iter()
        .map(|file| file.metadata().unwrap().len())
        .sum();
    let listed: u64 = store
        .groups(&scope(), "", |_| true, 10)
        .await
        .iter()
        .map(|group| group.stored_bytes)
        .sum();
    assert_eq!(listed, on_disk);
}

#[tokio::test]
async fn a_follower_gets_every_new_event_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), small());
    store.append(&scope(), GROUP, "s", vec![line(1, "before")]).await;
    let mut follower = store.follow(&scope(), GROUP, Arc::default()).await.unwrap();
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for n in 0..200 {
                store
                    .append(&scope(), GROUP, "s", vec![line(1000 - n, n.to_string())])
                    .await;
            }
        }
    });
    let mut seen = Vec::new();
    while seen.len() < 200 {
        seen.extend(
            follower
                .next()
                .await
                .unwrap()
                .into_iter()
                .map(|event| event.message),
        );
    }
    writer.await.unwrap();
    assert_eq!(seen, (0..200).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_follower_finds_what_it_wants_behind_pages_of_what_it_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), LogOptions::default());
    let wanted = Wanted {
        streams: vec![Streams::Prefixed("s".into())],
        pattern: FilterPattern::parse("%^wanted$%").unwrap(),
    };
    let mut follower = store.follow(&scope(), GROUP, wanted.into()).await.unwrap();
    for stream in ["s", "other"] {
        let pages = vec![line(0, "x".repeat(PAGE_BYTES)); 2];
        store.append(&scope(), GROUP, stream, pages).await;
        store
            .append(&scope(), GROUP, stream, vec![line(1, "wanted")])
            .await;
    }
    store.flush().await;
    let found = follower.next().await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&*found[0].stream, &*found[0].message), ("s", "wanted"));
}

/// Pages through the group, appending between pages; what it saw of the events that were there.
async fn page_through(
    store: &LogStore,
    order: Order,
    limits: &[usize],
    patience: Duration,
    mut late: i64,
) -> Vec<EventKey> {
    let mut query = Query {
        order,
        patience,
        ..Query::default()
    };
    let mut seen = Vec::new();
    for limit in limits.iter().cycle() {
        query.limit = *limit;
        let page = store.events(&scope(), GROUP, query.clone()).await.unwrap();
        assert!(page.events.len() <= *limit);
        seen.extend(
            page.events
                .iter()
                .filter(|event| event.stream != "late")
                .map(|event| event.key),
        );
        let Some(next) = page.next else { break };
        match order {
            Order::Forward => query.from = next,
            Order::Backward => query.to = next,
        }
        if order == Order::Backward || late < 1010 {
            store
                .append(&scope(), GROUP, "late", vec![line(late, "x".repeat(100))])
                .await;
            late += 1;
        }
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn pages_hold_every_event_once_and_in_order(
        events in proptest::collection::vec((0i64..40, 0usize..80), 1..150),
        limits in proptest::collection::vec(1usize..30, 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let store = open(dir.path(), small());
            for (n, (timestamp, size)) in events.iter().enumerate() {
                let stream = format!("s{}", n % 3);
                store.append(&scope(), GROUP, &stream, vec![line(*timestamp, "m".repeat(*size))]).await;
            }
            let ways = [Order::Forward, Order::Backward].map(|order| [(order, Duration::MAX), (order, Duration::ZERO)]);
            for (order, patience) in ways.into_iter().flatten() {
                let mut seen = page_through(&store, order, &limits, patience, 1000).await;
                if order == Order::Backward {
                    seen.reverse();
                }
                prop_assert_eq!(seen.len(), events.len());
                prop_assert!(seen.is_sorted_by(|one, next| one < next));
                let mut times: Vec<_> = events.iter().map(|(timestamp, _)| *timestamp).collect();
                times.sort_unstable();
                prop_assert_eq!(seen.iter().map(|key| key.timestamp_ms).collect::<Vec<_>>(), times);
            }
            Ok(())
        })?;
    }
}
