//! Reading one document.

use rusqlite::{Connection, Error, OptionalExtension};

use super::columns::{bytes, key_names};
use crate::{Document, Key};

pub(super) fn get(db: &Connection, key: Key) -> Result<Option<Document>, Error> {
    let mut select = db.prepare_cached(
        "SELECT revision, body FROM document WHERE account = ? AND region = ? AND kind = ? AND id = ?",
    )?;
    let found = select
        .query_row(key_names(&key), |row| {
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), bytes(row, 1)?))
        })
        .optional()?;
    Ok(found.map(|(revision, body)| Document { key, revision, body }))
}
