//! When the next message can be leased.

use std::time::SystemTime;

use rusqlite::Connection;

use super::columns::from_micros;
use super::task::{Failure, Task};
use super::timers::Timers;
use crate::QueueName;

/// Asks the writer, which alone knows when leases end.
pub(super) struct NextDue {
    pub(super) queue: QueueName,
}

impl Task for NextDue {
    type Answer = Option<SystemTime>;

    fn run(&self, db: &Connection, timers: &mut Timers) -> Result<Self::Answer, Failure> {
        let due: Option<i64> = db
            .prepare_cached("SELECT min(due) FROM message WHERE queue = ? AND leased = 0")?
            .query_row([self.queue.as_str()], |row| row.get(0))?;
        let lease_ends = timers
            .until_first_end(&self.queue)
            .map(|wait| SystemTime::now() + wait);
        Ok(due.map(from_micros).into_iter().chain(lease_ends).min())
    }
}
