//! Moving the end of a lease.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use super::columns::lease_columns;
use super::commit::lost;
use super::task::{Failure, Task};
use super::timers::Timers;
use crate::Lease;

/// Sets a new end, which is a write only where the old one has passed.
pub(super) struct Extend {
    pub(super) lease: Lease,
    pub(super) period: Duration,
}

impl Task for Extend {
    type Answer = ();

    fn run(&self, db: &Connection, timers: &mut Timers) -> Result<(), Failure> {
        let columns = lease_columns(&self.lease);
        let leased: Option<bool> = db
            .prepare_cached("SELECT leased FROM message WHERE seq = ? AND receives = ?")?
            .query_row(columns, |row| row.get(0))
            .optional()?;
        if !leased.ok_or_else(|| lost(&self.lease))? {
            db.prepare_cached("UPDATE message SET leased = 1 WHERE seq = ? AND receives = ?")?
                .execute(columns)?;
        }
        timers.set(self.lease.clone(), self.period);
        Ok(())
    }
}
