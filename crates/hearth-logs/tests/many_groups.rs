//! Thousands of groups need no more open files than one. Alone in its process, to count them.

use hearth_logs::{LogOptions, LogStore, Query};
use hearth_types::{AccountId, LogEvent, Region, Scope};

#[tokio::test]
async fn thousands_of_groups_hold_no_files_open() {
    let open_files = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let scope = Scope {
        account: AccountId::DEFAULT,
        region: Region::default(),
    };
    let dir = tempfile::tempdir().unwrap();
    let store = LogStore::open(dir.path(), LogOptions::default()).unwrap();
    let before = open_files();
    let mut most = 0;
    for n in 0..2000 {
        let event = LogEvent {
            timestamp_ms: n,
            message: "m".to_owned(),
        };
        store
            .append(&scope, &format!("group-{n}"), "s", vec![event])
            .await;
        most = most.max(open_files());
    }
    store.flush().await;
    assert!(most <= before + 4, "{before} before, {most} while writing");
    drop(store);

    let reopened = LogStore::open(dir.path(), LogOptions::default()).unwrap();
    assert_eq!(
        reopened.groups(&scope, "", |_| true, usize::MAX).await.len(),
        2000
    );
    let page = reopened
        .events(&scope, "group-1234", Query::default())
        .await
        .unwrap();
    assert_eq!(page.events[0].key.timestamp_ms, 1234);
}
