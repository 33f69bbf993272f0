//! Documents and queues.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hearth_store::sqlite::{Options, SqliteStore};
use hearth_store::{Documents, Key, Kind, Leased, Message, QueueName, Queues, Store, Unit, When};
use hearth_types::{AccountId, Region, Scope};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::{ACKNOWLEDGED, ROUNDS, Victim, alone, random, victim_directory};

/// The last number of each stream, by stream.
const CURSOR: Kind = Kind::new("cursor");
/// What a producer puts together with a message of the same name, and the cursor.
const ITEM: Kind = Kind::new("item");
/// What a consumer puts together with its acknowledgement of a message.
const DONE: Kind = Kind::new("done");
const STREAMS: u64 = 6;
const LONG: Duration = Duration::from_secs(3600);

fn scope() -> Scope {
    Scope {
        account: AccountId::DEFAULT,
        region: Region::default(),
    }
}

fn key(kind: Kind, id: impl Into<String>) -> Key {
    Key::new(scope(), kind, id)
}

fn queue() -> QueueName {
    QueueName::new("work")
}

fn open(dir: &Path) -> Arc<SqliteStore> {
    SqliteStore::open(dir, &Options::default()).unwrap()
}

#[test]
#[ignore = "a victim of the test below"]
fn victim() {
    let Some(dir) = victim_directory() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = open(&dir);
        let mut workers = JoinSet::new();
        for stream in 0..STREAMS {
            workers.spawn(produce(Arc::clone(&store), stream));
            workers.spawn(consume(Arc::clone(&store)));
        }
        workers.join_all().await;
    });
}

/// Counts a stream up, one unit for each number.
async fn produce(store: Arc<SqliteStore>, stream: u64) {
    let cursor = key(CURSOR, stream.to_string());
    let found = store.get(&cursor).await.unwrap();
    let (mut next, mut when) = found.map_or((0, When::Absent), |document| {
        let last: u64 = std::str::from_utf8(&document.body).unwrap().parse().unwrap();
        (last + 1, When::Revision(document.revision))
    });
    loop {
        let id = format!("{stream}/{next}");
        let message = Message {
            scope: scope(),
            id: id.clone(),
            body: vec![7; 500].into(),
            due: SystemTime::now(),
        };
        let unit = Unit::new()
            .put(key(ITEM, &*id), vec![8; 500], When::Absent)
            .enqueue(queue(), message)
            .put(cursor.clone(), next.to_string(), when);
        let revisions = store.commit(unit).await.unwrap().revisions;
        println!("{ACKNOWLEDGED}put {id}");
        (next, when) = (next + 1, When::Revision(revisions[1]));
    }
}

/// Settles most messages and gives some back.
async fn consume(store: Arc<SqliteStore>) {
    let mut arrivals = store.arrivals(&queue());
    loop {
        let leased = store.lease(&queue(), 4, LONG).await.unwrap();
        if leased.is_empty() {
            arrivals.changed().await.unwrap();
        }
        for Leased {
            lease,
            message,
            receives,
            ..
        } in leased
        {
            println!("{ACKNOWLEDGED}received {} {receives}", message.id);
            if random(5) == 0 {
                store
                    .commit(Unit::new().give_back(&lease, SystemTime::now()))
                    .await
                    .unwrap();
            } else {
                let unit = Unit::new()
                    .acknowledge(&lease)
                    .put(key(DONE, &*message.id), "", When::Absent);
                store.commit(unit).await.unwrap();
                println!("{ACKNOWLEDGED}done {}", message.id);
            }
        }
    }
}

#[test]
fn what_was_acknowledged_survives_and_units_are_whole() {
    let _alone = alone();
    let dir = TempDir::new().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut acknowledged = Vec::new();
    for _ in 0..ROUNDS {
        acknowledged.extend(Victim::start("state::victim", dir.path()).kill_at_random(300));
        runtime.block_on(audit(dir.path(), &acknowledged));
    }
    assert!(
        acknowledged.len() > ROUNDS,
        "the victims did too little: {}",
        acknowledged.len()
    );
}

async fn audit(dir: &Path, acknowledged: &[String]) {
    let store = open(dir);
    let items = ids(&store, ITEM).await;
    let done = ids(&store, DONE).await;
    let waiting: BTreeMap<String, u32> = store
        .lease(&queue(), usize::MAX, LONG)
        .await
        .unwrap()
        .into_iter()
        .map(|leased| (leased.message.id, leased.receives))
        .collect();

    // Nothing by half: a cursor, its items and their messages came together, and so did a message's end and
    // what its consumer put.
    let mut expected = BTreeSet::new();
    for cursor in store.list_all(CURSOR).await.unwrap() {
        let last: u64 = std::str::from_utf8(&cursor.body).unwrap().parse().unwrap();
        expected.extend((0..=last).map(|number| format!("{}/{number}", cursor.key.id)));
    }
    assert_eq!(items, expected);
    let settled: BTreeSet<String> = items
        .iter()
        .filter(|id| !waiting.contains_key(*id))
        .cloned()
        .collect();
    assert_eq!(done, settled);
    assert_eq!(waiting.len() + done.len(), items.len());

    // Nothing is lost.
    for line in acknowledged {
        let held = match line.split(' ').collect::<Vec<_>>()[..] {
            ["put", id] => items.contains(id),
            ["done", id] => done.contains(id),
            ["received", id, receives] => {
                let receives: u32 = receives.parse().unwrap();
                done.contains(id) || waiting.get(id).is_some_and(|now| *now > receives)
            }
            _ => panic!("{line:?}"),
        };
        assert!(held, "{line}");
    }
}

async fn ids(store: &SqliteStore, kind: Kind) -> BTreeSet<String> {
    store
        .list_all(kind)
        .await
        .unwrap()
        .into_iter()
        .map(|document| document.key.id)
        .collect()
}
