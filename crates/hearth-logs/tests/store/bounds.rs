//! Logs keep to their bounds, on the disk and in what they open.

use crate::common::{GROUP, all, files, line, open, scope};
use hearth_logs::LogOptions;

fn on_disk(dir: &std::path::Path) -> u64 {
    files(dir).iter().map(|file| file.metadata().unwrap().len()).sum()
}

#[tokio::test]
async fn a_group_keeps_its_newest_events_within_its_bound() {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions {
        group_bytes: 20_000,
        segment_bytes: 2000,
        ..LogOptions::default()
    };
    let store = open(dir.path(), options);
    for n in 0..1000 {
        store
            .append(&scope(), GROUP, "s", vec![line(n, format!("{n:0100}"))])
            .await;
        if n % 10 == 0 {
            store.flush().await;
            assert!(on_disk(dir.path()) <= 20_000);
        }
    }
    let kept: Vec<_> = all(&store, GROUP)
        .await
        .iter()
        .map(|event| event.key.timestamp_ms)
        .collect();
    assert!(kept.len() > 100, "{}", kept.len());
    assert_eq!(kept, (1000 - kept.len() as i64..1000).collect::<Vec<_>>());
}

#[tokio::test]
async fn all_groups_together_keep_to_the_common_bound() {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions {
        total_bytes: 20_000,
        segment_bytes: 2000,
        ..LogOptions::default()
    };
    let store = open(dir.path(), options.clone());
    for n in 0..60 {
        for group in 0..n % 7 {
            store
                .append(
                    &scope(),
                    &format!("g{group}"),
                    "s",
                    vec![line(n, "x".repeat(500)); 3],
                )
                .await;
        }
        store.flush().await;
        assert!(on_disk(dir.path()) <= 20_000);
    }
    drop(store);
    let reopened = open(
        dir.path(),
        LogOptions {
            total_bytes: 5_000,
            ..options
        },
    );
    reopened.append(&scope(), "g0", "s", vec![line(99, "last")]).await;
    reopened.flush().await;
    assert!(on_disk(dir.path()) <= 5_000);
    assert_eq!(all(&reopened, "g0").await.last().unwrap().message, "last");
}

#[tokio::test]
async fn a_full_disk_costs_lines_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), LogOptions::default());
    store.append(&scope(), GROUP, "s", vec![line(1, "kept")]).await;
    store.flush().await;
    let [segment] = &files(dir.path())[..] else {
        panic!("one segment")
    };
    let aside = dir.path().join("aside");
    std::fs::rename(segment, &aside).unwrap();
    std::os::unix::fs::symlink("/dev/full", segment).unwrap();

    store
        .append(&scope(), GROUP, "s", vec![line(2, "lost"), line(3, "lost")])
        .await;
    store.flush().await;
    assert_eq!(store.lost(), 2);

    std::fs::remove_file(segment).unwrap();
    std::fs::rename(&aside, segment).unwrap();
    store
        .append(&scope(), GROUP, "s", vec![line(4, "kept too")])
        .await;
    let mut found: Vec<_> = all(&store, GROUP)
        .await
        .into_iter()
        .map(|e| (e.stream, e.message))
        .collect();
    let note = found.pop().unwrap();
    assert_eq!(
        found,
        [("s".into(), "kept".into()), ("s".into(), "kept too".into())]
    );
    assert_eq!(note.0, "hearth");
    assert!(note.1.starts_with("2 log events before this one"), "{}", note.1);
    assert_eq!(store.lost(), 2);
}

#[tokio::test]
async fn names_that_cannot_be_are_dropped_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("logs"), LogOptions::default());
    store
        .append(&scope(), "../../escape", "s", vec![line(1, "m")])
        .await;
    store.append(&scope(), "a b", "s", vec![line(1, "m")]).await;
    store
        .append(&scope(), "g", &"s".repeat(3000), vec![line(1, "m")])
        .await;
    store.flush().await;
    assert_eq!(store.lost(), 2);
    let [segment] = &files(dir.path())[..] else {
        panic!("one segment")
    };
    assert!(segment.starts_with(dir.path().join("logs/v1/000000000000/us-east-1/,,+,,+escape")));
}
