//! Prints how many units of work the SQLite store commits in a second, with one and with 64 in flight.
//!
//! `cargo run --release -p hearth-store --example commit_rate [directory]`: the directory decides on the disk; it
//! gets a temporary directory that is removed again.

#![allow(clippy::print_stdout, reason = "the figures are the purpose")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use hearth_store::sqlite::{Options, SqliteStore};
use hearth_store::{Key, Kind, Message, QueueName, Store, StoreError, Unit, When};
use hearth_types::{AccountId, Region, Scope};
use tokio::task::JoinSet;

const PERIOD: Duration = Duration::from_secs(5);
/// The size of a document and of a message, in bytes.
const BODY: usize = 1024;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let below = std::env::args_os()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    for in_flight in [1, 64] {
        let dir = tempfile::tempdir_in(&below)?;
        let store = SqliteStore::open(dir.path(), &Options::default())?;
        let elapsed = run(&store, in_flight).await?;
        let counters = store.counters();
        let per_second = counters.tasks as f64 / elapsed.as_secs_f64();
        let per_sync = counters.tasks as f64 / counters.transactions as f64;
        println!("{in_flight:>2} in flight: {per_second:>6.0} commits/s, {per_sync:>4.1} commits a sync");
    }
    Ok(())
}

async fn run(store: &Arc<SqliteStore>, in_flight: usize) -> Result<Duration, StoreError> {
    let start = Instant::now();
    let mut workers = JoinSet::new();
    for worker in 0..in_flight {
        workers.spawn(commit_until(Arc::clone(store), worker, start + PERIOD));
    }
    workers.join_all().await.into_iter().collect::<Result<(), _>>()?;
    Ok(start.elapsed())
}

/// Commits units that put a document and enqueue a message, one after the other.
async fn commit_until(store: Arc<SqliteStore>, worker: usize, end: Instant) -> Result<(), StoreError> {
    let scope = Scope {
        account: AccountId::DEFAULT,
        region: Region::default(),
    };
    let queue = QueueName::new("work");
    for number in 0.. {
        if Instant::now() >= end {
            break;
        }
        let id = format!("{worker}/{number}");
        let message = Message {
            scope: scope.clone(),
            id: id.clone(),
            body: vec![0; BODY].into(),
            due: SystemTime::now(),
        };
        let unit = Unit::new()
            .put(
                Key::new(scope.clone(), Kind::new("thing"), id),
                vec![0; BODY],
                When::Absent,
            )
            .enqueue(queue.clone(), message);
        store.commit(unit).await?;
    }
    Ok(())
}
