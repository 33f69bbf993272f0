//! Committing a unit of work.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, params};

use super::columns::{key_names, lease_columns, micros};
use super::feed::Feed;
use super::task::{Failure, Task};
use super::timers::Timers;
use crate::{Committed, Key, Lease, Message, Operation, QueueName, StoreError, Unit, When};

/// Does every operation of a unit.
pub(super) struct Commit {
    pub(super) unit: Unit,
}

impl Task for Commit {
    type Answer = Committed;

    fn run(&self, db: &Connection, timers: &mut Timers) -> Result<Committed, Failure> {
        let mut committed = Committed::default();
        for operation in self.unit.operations() {
            match operation {
                Operation::Put { key, body, when } => {
                    require(db, key, *when)?;
                    committed.revisions.push(put(db, key, body)?);
                }
                Operation::Delete { key, when } => {
                    require(db, key, *when)?;
                    delete(db, key)?;
                }
                Operation::Require { key, when } => require(db, key, *when)?,
                Operation::Enqueue { queue, message } => enqueue(db, queue, message)?,
                Operation::Acknowledge { lease } => {
                    acknowledge(db, lease)?;
                    timers.remove(lease);
                }
                Operation::GiveBack { lease, due } => {
                    give_back(db, lease, *due)?;
                    timers.remove(lease);
                }
            }
        }
        Ok(committed)
    }

    fn settle(&self, feed: &Feed) {
        feed.announce(&self.unit);
    }
}

fn require(db: &Connection, key: &Key, when: When) -> Result<(), Failure> {
    if when == When::Always {
        return Ok(());
    }
    let mut select = db.prepare_cached(
        "SELECT revision FROM document WHERE account = ? AND region = ? AND kind = ? AND id = ?",
    )?;
    let found = select
        .query_row(key_names(key), |row| row.get(0))
        .optional()?
        .map(i64::cast_unsigned);
    if when.admits(found) {
        Ok(())
    } else {
        Err(Failure::Refused(StoreError::Conflict {
            key: key.clone(),
            found,
        }))
    }
}

fn put(db: &Connection, key: &Key, body: &[u8]) -> Result<u64, Failure> {
    let mut next = db.prepare_cached("UPDATE revision SET last = last + 1 RETURNING last")?;
    let revision: i64 = next.query_row([], |row| row.get(0))?;
    let (account, region, kind, id) = key_names(key);
    db.prepare_cached(
        "INSERT INTO document (account, region, kind, id, revision, body) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET revision = excluded.revision, body = excluded.body",
    )?
    .execute(params![account, region, kind, id, revision, body])?;
    Ok(revision.cast_unsigned())
}

fn delete(db: &Connection, key: &Key) -> Result<(), Failure> {
    db.prepare_cached("DELETE FROM document WHERE account = ? AND region = ? AND kind = ? AND id = ?")?
        .execute(key_names(key))?;
    Ok(())
}

fn enqueue(db: &Connection, queue: &QueueName, message: &Message) -> Result<(), Failure> {
    let Message { scope, id, body, due } = message;
    let inserted = db
        .prepare_cached(
            "INSERT INTO message (account, region, queue, id, body, due, enqueued)
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            scope.account.as_str(),
            scope.region.as_str(),
            queue.as_str(),
            id,
            &body[..],
            micros(*due),
            micros(SystemTime::now()),
        ])?;
    match inserted {
        0 => Err(Failure::Refused(StoreError::Duplicate {
            queue: queue.clone(),
            id: id.clone(),
        })),
        _ => Ok(()),
    }
}

fn acknowledge(db: &Connection, lease: &Lease) -> Result<(), Failure> {
    let deleted = db
        .prepare_cached("DELETE FROM message WHERE seq = ? AND receives = ?")?
        .execute(lease_columns(lease))?;
    held(deleted, lease)
}

fn give_back(db: &Connection, lease: &Lease, due: SystemTime) -> Result<(), Failure> {
    let (number, receipt) = lease_columns(lease);
    let updated = db
        .prepare_cached("UPDATE message SET leased = 0, due = ? WHERE seq = ? AND receives = ?")?
        .execute((micros(due), number, receipt))?;
    held(updated, lease)
}

fn held(rows: usize, lease: &Lease) -> Result<(), Failure> {
    if rows == 1 { Ok(()) } else { Err(lost(lease)) }
}

/// The refusal of a lease whose message is gone or was received again.
pub(super) fn lost(lease: &Lease) -> Failure {
    Failure::Refused(StoreError::LeaseLost {
        queue: lease.queue.clone(),
        id: lease.id.clone(),
    })
}
