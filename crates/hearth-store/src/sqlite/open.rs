//! Opening the store of a data directory.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::feed::Feed;
use super::lock::{DirectoryLock, Refusal};
use super::readers::Readers;
use super::writer::Writer;
use super::{SqliteStore, schema};

const FILE: &str = "state.db";
const PAGE_BYTES: u32 = 4096;
/// What the write-ahead log may keep after a burst, rather than the most it ever took.
const KEPT_LOG_BYTES: u32 = 64 * 1024 * 1024;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many reads may run at once, at least 1.
    pub readers: usize,
    /// The size in bytes the state may grow to; writes beyond it fail as on a full disk. `None`: the disk's.
    pub max_bytes: Option<u64>,
}

impl Default for Options {
    /// Four reads at once and no bound but the disk's.
    fn default() -> Self {
        Self {
            readers: 4,
            max_bytes: None,
        }
    }
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process uses the directory.
    #[error(
        "the data directory {} is in use by {}: stop it, or name another directory",
        dir.display(),
        holder.map_or("another process".to_owned(), |pid| format!("process {pid}"))
    )]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// The process that holds it.
        holder: Option<u32>,
    },
    /// The file was written by a newer version.
    #[error("the state has schema version {found}, this version knows {known}: use a newer version")]
    Newer {
        /// The file's schema version.
        found: u32,
        /// The newest schema version known here.
        known: u32,
    },
    /// The file is not a sound database.
    #[error("{} is damaged ({reason}): restore it from a backup, or move it away to begin anew", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A directory or file could not be made or opened.
    #[error("cannot use the data directory {}: {source}", dir.display())]
    Directory {
        /// The data directory.
        dir: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The database could not be opened for another reason.
    #[error("cannot open the state: {0}")]
    Database(#[from] rusqlite::Error),
}

impl SqliteStore {
    /// Opens the store in `dir`, making both where they are missing, and brings its schema up to date. Messages
    /// that were leased when the last process ended can be leased again.
    pub fn open(dir: &Path, options: &Options) -> Result<Arc<Self>, OpenError> {
        let unusable = |source| OpenError::Directory {
            dir: dir.to_owned(),
            source,
        };
        create_private(dir).map_err(unusable)?;
        let lock = DirectoryLock::acquire(dir).map_err(|refusal| match refusal {
            Refusal::Held(holder) => OpenError::InUse {
                dir: dir.to_owned(),
                holder,
            },
            Refusal::Io(source) => unusable(source),
        })?;
        let path = dir.join(FILE);
        let db = prepare(&path, options).map_err(|error| name_damage(&path, error))?;
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(unusable)?;
        let feed = Arc::new(Feed::default());
        let writer = Writer::start(db, Arc::clone(&feed)).map_err(unusable)?;
        let readers = Readers::new(path, options.readers);
        Ok(Arc::new(Self {
            writer,
            readers,
            feed,
            _lock: lock,
        }))
    }
}

fn create_private(dir: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).recursive(true).create(dir)
}

fn prepare(path: &Path, options: &Options) -> Result<Connection, OpenError> {
    let mut db = connect(path)?;
    db.pragma_update(None, "page_size", PAGE_BYTES)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "journal_size_limit", KEPT_LOG_BYTES)?;
    if let Some(bytes) = options.max_bytes {
        let pages = i64::try_from(bytes / u64::from(PAGE_BYTES)).unwrap_or(i64::MAX);
        db.pragma_update(None, "max_page_count", pages)?;
    }
    schema::migrate(&mut db)?;
    db.execute("UPDATE message SET leased = 0 WHERE leased = 1", [])?;
    Ok(db)
}

/// Opens a connection that waits rather than fails where two meet and keeps its temporary data in memory.
pub(super) fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(Duration::from_secs(10))?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

fn name_damage(path: &Path, error: OpenError) -> OpenError {
    match error {
        OpenError::Database(error)
            if matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
            ) =>
        {
            OpenError::Corrupt {
                path: path.to_owned(),
                reason: error.to_string(),
            }
        }
        other => other,
    }
}
