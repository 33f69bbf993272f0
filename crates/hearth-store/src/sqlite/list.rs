//! Reading many documents.

use hearth_types::Scope;
use rusqlite::{Connection, Error, Row, params};

use super::columns::{bytes, limit as rows, scope};
use crate::{Document, Key, Kind};

pub(super) fn list(
    db: &Connection,
    scope: &Scope,
    kind: Kind,
    after: &str,
    limit: usize,
) -> Result<Vec<Document>, Error> {
    let mut select = db.prepare_cached(
        "SELECT account, region, id, revision, body FROM document
         WHERE account = ? AND region = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?",
    )?;
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    select
        .query_map(
            params![account, region, kind.as_str(), after, rows(limit)],
            |row| document(row, kind),
        )?
        .collect()
}

pub(super) fn list_all(db: &Connection, kind: Kind) -> Result<Vec<Document>, Error> {
    let mut select = db.prepare_cached(
        "SELECT account, region, id, revision, body FROM document
         WHERE kind = ? ORDER BY account, region, id",
    )?;
    select
        .query_map([kind.as_str()], |row| document(row, kind))?
        .collect()
}

fn document(row: &Row<'_>, kind: Kind) -> Result<Document, Error> {
    Ok(Document {
        key: Key {
            scope: scope(row, 0)?,
            kind,
            id: row.get(2)?,
        },
        revision: row.get::<_, i64>(3)?.cast_unsigned(),
        body: bytes(row, 4)?,
    })
}
