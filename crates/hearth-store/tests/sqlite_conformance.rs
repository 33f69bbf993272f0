//! The SQLite implementation does what the contract says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod conformance;

use std::sync::Arc;

use hearth_store::Store;
use hearth_store::sqlite::{Options, SqliteStore};
use tempfile::TempDir;

/// A store in a directory of its own.
struct Sqlite(TempDir);

impl Default for Sqlite {
    fn default() -> Self {
        Self(TempDir::new().unwrap())
    }
}

impl conformance::Backend for Sqlite {
    fn open(&self) -> Arc<dyn Store> {
        SqliteStore::open(self.0.path(), &Options::default()).unwrap()
    }
}

conformance!(Sqlite);
