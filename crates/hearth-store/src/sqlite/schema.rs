//! The schema and how older files are brought up to it.

use rusqlite::{Connection, TransactionBehavior};

use super::OpenError;

/// What leads from each schema version to the next; the first leads from an empty file to version 1. Released
/// migrations never change.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_documents_and_queues.sql")];

/// Brings the file up to the newest schema, one transaction for each version.
pub(super) fn migrate(db: &mut Connection) -> Result<(), OpenError> {
    let found: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = MIGRATIONS.len() as u32;
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    for (version, migration) in (1..=known).zip(MIGRATIONS).skip(found as usize) {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}
