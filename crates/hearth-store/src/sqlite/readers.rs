//! Reads: a few connections that are used on blocking threads.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio::task;

use super::columns::store_error;
use super::open::connect;
use crate::StoreError;

/// A bounded number of connections, opened when they are first needed.
pub(super) struct Readers {
    path: PathBuf,
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf, at_once: usize) -> Self {
        Self {
            path,
            permits: Arc::new(Semaphore::new(at_once.max(1))),
            idle: Arc::default(),
        }
    }

    /// Runs `query` on a blocking thread with a connection that sees all that was committed before.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let (path, idle) = (self.path.clone(), Arc::clone(&self.idle));
        let read = task::spawn_blocking(move || {
            let _permit = permit;
            let waiting = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let db = waiting.map_or_else(|| open(&path), Ok)?;
            let answer = query(&db)?;
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
            Ok(answer)
        });
        match read.await {
            Ok(answer) => answer.map_err(|error| store_error(&error)),
            Err(panicked) => Err(StoreError::Failed(panicked.to_string())),
        }
    }
}

fn open(path: &std::path::Path) -> Result<Connection, rusqlite::Error> {
    let db = connect(path)?;
    db.pragma_update(None, "query_only", true)?;
    Ok(db)
}
