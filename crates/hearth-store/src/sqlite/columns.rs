//! Between columns and the types of the contract.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hearth_types::{AccountId, Region, Scope};
use rusqlite::types::Type;
use rusqlite::{Error, ErrorCode, Row, ffi};

use crate::{Key, Lease, StoreError};

/// What the contract says of a failure of the database.
pub(super) fn store_error(error: &Error) -> StoreError {
    let reason = error.to_string();
    match error {
        Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DiskFull => StoreError::Full,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt(reason),
            // Growing the index of the write-ahead log fails this way for want of room.
            _ if failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE => StoreError::Full,
            _ => StoreError::Failed(reason),
        },
        Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..) => StoreError::Corrupt(reason),
        _ => StoreError::Failed(reason),
    }
}

/// The columns that name a document: account, region, kind and id.
pub(super) fn key_names(key: &Key) -> (&str, &str, &str, &str) {
    let Key { scope, kind, id } = key;
    (scope.account.as_str(), scope.region.as_str(), kind.as_str(), id)
}

/// The columns a lease depends on: the number of its message, and the receipt that must be the last.
pub(super) fn lease_columns(lease: &Lease) -> (i64, u32) {
    (lease.number.cast_signed(), lease.receipt)
}

/// Reads account and region from two neighbouring columns.
pub(super) fn scope(row: &Row<'_>, first: usize) -> Result<Scope, Error> {
    let account: String = row.get(first)?;
    let region: String = row.get(first + 1)?;
    Ok(Scope {
        account: AccountId::parse(&account).map_err(|e| malformed(first, e))?,
        region: Region::parse(&region).map_err(|e| malformed(first + 1, e))?,
    })
}

fn malformed(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

/// Reads a blob.
pub(super) fn bytes(row: &Row<'_>, column: usize) -> Result<Bytes, Error> {
    Ok(Bytes::copy_from_slice(row.get_ref(column)?.as_blob()?))
}

/// Reads a time.
pub(super) fn time(row: &Row<'_>, column: usize) -> Result<SystemTime, Error> {
    row.get(column).map(from_micros)
}

/// Microseconds since the Unix epoch, negative before it, cut to what a column can hold.
pub(super) fn micros(at: SystemTime) -> i64 {
    let clamp = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    match at.duration_since(UNIX_EPOCH) {
        Ok(after) => clamp(after),
        Err(before) => -clamp(before.duration()),
    }
}

/// The inverse of [`micros`].
pub(super) fn from_micros(micros: i64) -> SystemTime {
    let span = Duration::from_micros(micros.unsigned_abs());
    if micros < 0 {
        UNIX_EPOCH - span
    } else {
        UNIX_EPOCH + span
    }
}

/// A limit as SQL takes it.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_microseconds() {
        for at in [
            UNIX_EPOCH,
            UNIX_EPOCH + Duration::from_micros(1_767_225_600_000_007),
        ] {
            assert_eq!(from_micros(micros(at)), at);
        }
        let early = UNIX_EPOCH - Duration::from_micros(1_500_000);
        assert_eq!((micros(early), from_micros(-1_500_000)), (-1_500_000, early));
    }
}
