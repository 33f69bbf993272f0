//! Leasing what is due.

use std::time::{Duration, SystemTime};

use rusqlite::{Connection, Row, params};

use super::columns::{bytes, lease_columns, limit, micros, scope, time};
use super::task::{Failure, Task};
use super::timers::Timers;
use crate::{Lease, Leased, Message, QueueName};

/// Bodies beyond this many bytes wait for the next call, so that a deep queue does not fill the memory.
const WINDOW: usize = 16 * 1024 * 1024;

/// Frees what was leased for too long, then leases what is due.
pub(super) struct LeaseDue {
    pub(super) queue: QueueName,
    pub(super) limit: usize,
    pub(super) period: Duration,
}

impl Task for LeaseDue {
    type Answer = Vec<Leased>;

    fn run(&self, db: &Connection, timers: &mut Timers) -> Result<Vec<Leased>, Failure> {
        for lease in timers.ended(&self.queue) {
            free(db, &lease)?;
            timers.remove(&lease);
        }
        let leased = self.due(db)?;
        for Leased { lease, .. } in &leased {
            take(db, lease)?;
            timers.set(lease.clone(), self.period);
        }
        Ok(leased)
    }
}

impl LeaseDue {
    /// The due messages, as they will be once they are taken.
    fn due(&self, db: &Connection) -> Result<Vec<Leased>, rusqlite::Error> {
        let mut select = db.prepare_cached(
            "SELECT account, region, id, body, due, enqueued, receives, seq FROM message
             WHERE queue = ? AND leased = 0 AND due <= ? ORDER BY due, seq LIMIT ?",
        )?;
        let mut rows = select.query(params![
            self.queue.as_str(),
            micros(SystemTime::now()),
            limit(self.limit)
        ])?;
        let (mut leased, mut size) = (Vec::new(), 0);
        while size < WINDOW
            && let Some(row) = rows.next()?
        {
            let next = read(row, &self.queue)?;
            size += next.message.body.len();
            leased.push(next);
        }
        Ok(leased)
    }
}

fn read(row: &Row<'_>, queue: &QueueName) -> Result<Leased, rusqlite::Error> {
    let message = Message {
        scope: scope(row, 0)?,
        id: row.get(2)?,
        body: bytes(row, 3)?,
        due: time(row, 4)?,
    };
    let receives = row.get::<_, u32>(6)?.saturating_add(1);
    let lease = Lease {
        queue: queue.clone(),
        scope: message.scope.clone(),
        id: message.id.clone(),
        number: row.get::<_, i64>(7)?.cast_unsigned(),
        receipt: receives,
    };
    Ok(Leased {
        lease,
        message,
        receives,
        enqueued_at: time(row, 5)?,
    })
}

fn take(db: &Connection, lease: &Lease) -> Result<(), rusqlite::Error> {
    db.prepare_cached("UPDATE message SET leased = 1, receives = ?2 WHERE seq = ?1")?
        .execute(lease_columns(lease))?;
    Ok(())
}

fn free(db: &Connection, lease: &Lease) -> Result<(), rusqlite::Error> {
    db.prepare_cached("UPDATE message SET leased = 0 WHERE seq = ? AND receives = ?")?
        .execute(lease_columns(lease))?;
    Ok(())
}
