//! What the SQLite implementation does beyond the contract.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use hearth_store::sqlite::{OpenError, Options, SqliteStore};
use hearth_store::{Documents, Key, Kind, Message, QueueName, Queues, Store, StoreError, Unit, When};
use hearth_types::{AccountId, Region, Scope};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::task::JoinSet;

fn key(id: &str) -> Key {
    let scope = Scope {
        account: AccountId::DEFAULT,
        region: Region::default(),
    };
    Key::new(scope, Kind::new("thing"), id)
}

fn put(id: &str, body: Vec<u8>) -> Unit {
    Unit::new().put(key(id), body, When::Always)
}

fn open(dir: &Path) -> Result<Arc<SqliteStore>, OpenError> {
    SqliteStore::open(dir, &Options::default())
}

/// The error of an opening that must fail.
fn refusal(dir: &Path) -> OpenError {
    open(dir).err().expect("this must not open")
}

#[tokio::test]
async fn concurrent_commits_share_transactions() {
    const UNITS: u64 = 800;
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).unwrap();
    let mut commits = JoinSet::new();
    for id in 0..UNITS {
        let store = Arc::clone(&store);
        commits.spawn(async move { store.commit(put(&id.to_string(), vec![])).await });
    }
    while let Some(committed) = commits.join_next().await {
        committed.unwrap().unwrap();
    }
    let counters = store.counters();
    assert_eq!(counters.tasks, UNITS);
    assert!(counters.transactions < UNITS / 20, "{counters:?}");
}

#[tokio::test]
async fn a_refused_unit_does_not_take_its_group_along() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).unwrap();
    let refused = put("refused", vec![]).require(key("missing"), When::Present);
    let (before, refused, after) = tokio::join!(
        store.commit(put("a", vec![])),
        store.commit(refused),
        store.commit(put("b", vec![]))
    );
    before.unwrap();
    after.unwrap();
    assert_eq!(
        refused.unwrap_err(),
        StoreError::Conflict {
            key: key("missing"),
            found: None
        }
    );
    let all = store.list_all(key("").kind).await.unwrap();
    assert_eq!(
        all.iter().map(|d| d.key.id.as_str()).collect::<Vec<_>>(),
        ["a", "b"]
    );
}

#[tokio::test]
async fn two_stores_never_share_a_directory() {
    let dir = TempDir::new().unwrap();
    let first = open(dir.path()).unwrap();
    let error = refusal(dir.path());
    assert!(
        matches!(&error, OpenError::InUse { holder: Some(pid), .. } if *pid == std::process::id()),
        "{error}"
    );
    drop(first);
    open(dir.path()).unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path()).unwrap());
    let path = dir.path().join("state.db");
    let db = Connection::open(&path).unwrap();
    let known: u32 = db
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert!(known >= 1);
    db.pragma_update(None, "user_version", known + 1).unwrap();
    drop(db);
    let before = fs::read(&path).unwrap();
    let error = refusal(dir.path());
    assert!(
        matches!(error, OpenError::Newer { found, known: k } if (found, k) == (known + 1, known)),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("state.db");
    fs::write(&path, "Dear diary, ".repeat(1000)).unwrap();
    let error = refusal(dir.path());
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("state.db is damaged"), "{error}");
    assert!(fs::read_to_string(&path).unwrap().starts_with("Dear diary"));
}

#[tokio::test]
async fn damage_inside_the_file_is_reported_as_such() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).unwrap();
    for id in 0..200 {
        store.commit(put(&id.to_string(), vec![7; 2000])).await.unwrap();
    }
    drop(store);
    let path = dir.path().join("state.db");
    let mut bytes = fs::read(&path).unwrap();
    let intact = 16 * 4096;
    bytes[intact..].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    match open(dir.path()) {
        Err(error) => assert!(matches!(error, OpenError::Corrupt { .. }), "{error}"),
        Ok(store) => {
            let error = store.list_all(key("").kind).await.unwrap_err();
            assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
        }
    }
}

#[tokio::test]
async fn a_full_store_refuses_writes_and_goes_on_reading() {
    let dir = TempDir::new().unwrap();
    let options = Options {
        max_bytes: Some(1 << 20),
        ..Options::default()
    };
    let store = SqliteStore::open(dir.path(), &options).unwrap();
    let mut kept = Vec::new();
    let refusal = loop {
        let id = kept.len().to_string();
        match store.commit(put(&id, vec![1; 30_000])).await {
            Ok(_) => kept.push(id),
            Err(error) => break error,
        }
        assert!(kept.len() < 100, "the bound is not heeded");
    };
    assert_eq!(refusal, StoreError::Full);
    assert!(kept.len() > 20, "{}", kept.len());
    assert_eq!(store.get(&key("0")).await.unwrap().unwrap().body.len(), 30_000);
    assert_eq!(store.get(&key(&kept.len().to_string())).await.unwrap(), None);

    // One that does not fit fails alone, whatever it shares a transaction with.
    let (replaced, too_large, deleted) = tokio::join!(
        store.commit(put("0", vec![2; 30_000])),
        store.commit(put("large", vec![3; 200_000])),
        store.commit(Unit::new().delete(key("1"), When::Present)),
    );
    replaced.unwrap();
    assert_eq!(too_large.unwrap_err(), StoreError::Full);
    deleted.unwrap();
    store.commit(put("fits again", vec![4; 20_000])).await.unwrap();
}

#[tokio::test]
async fn what_was_submitted_is_finished_when_the_store_is_dropped() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).unwrap();
    let mut commit = store.commit(put("a", vec![]));
    assert!(matches!(
        commit.as_mut().poll(&mut Context::from_waker(Waker::noop())),
        Poll::Pending
    ));
    drop(commit);
    drop(store);
    let store = open(dir.path()).unwrap();
    assert!(store.get(&key("a")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_deep_queue_is_not_loaded_whole() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).unwrap();
    let queue = QueueName::new("deep");
    for id in 0..40 {
        let body = vec![0; 1 << 20].into();
        let message = Message {
            scope: key("").scope,
            id: id.to_string(),
            body,
            due: SystemTime::now(),
        };
        store
            .commit(Unit::new().enqueue(queue.clone(), message))
            .await
            .unwrap();
    }
    let leased = store
        .lease(&queue, usize::MAX, Duration::from_secs(60))
        .await
        .unwrap();
    let bytes: usize = leased.iter().map(|leased| leased.message.body.len()).sum();
    assert!(bytes <= 17 << 20, "{bytes}");
    let rest = store
        .lease(&queue, usize::MAX, Duration::from_secs(60))
        .await
        .unwrap();
    assert!(!rest.is_empty() && leased.len() + rest.len() <= 40);
}
