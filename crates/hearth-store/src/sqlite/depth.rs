//! How much a queue holds.

use rusqlite::{Connection, Error};

use crate::QueueName;

pub(super) fn depth(db: &Connection, queue: &QueueName) -> Result<u64, Error> {
    let mut count = db.prepare_cached("SELECT count(*) FROM message WHERE queue = ?")?;
    count
        .query_row([queue.as_str()], |row| row.get(0))
        .map(i64::cast_unsigned)
}
