//! A store to ask.

use hearth_store::sqlite::{self, SqliteStore};
use hearth_types::LogEvent;
use tempfile::TempDir;

use crate::group_key::test_scope;
use crate::{LogOptions, LogService, LogStore};

pub(super) const GROUP: &str = "/aws/lambda/hello";

/// A store and the directory it lies in.
pub(super) struct Logs {
    pub(super) service: LogService,
    dir: TempDir,
}

impl Logs {
    pub(super) async fn new() -> Self {
        Self::open(tempfile::tempdir().unwrap()).await
    }

    async fn open(dir: TempDir) -> Self {
        let logs = LogStore::open(&dir.path().join("logs"), LogOptions::default()).unwrap();
        let store = SqliteStore::open(dir.path(), &sqlite::Options::default()).unwrap();
        Self {
            service: LogService::open(logs, store).await.unwrap(),
            dir,
        }
    }

    /// Where the log store lies.
    pub(super) fn directory(&self) -> std::path::PathBuf {
        self.dir.path().join("logs")
    }

    /// The same after a restart.
    pub(super) async fn again(self) -> Self {
        let Self { service, dir } = self;
        drop(service);
        Self::open(dir).await
    }

    /// Appends events whose messages are their timestamps.
    pub(super) async fn append(&self, group: &str, stream: &str, times: impl IntoIterator<Item = i64>) {
        let event = |timestamp_ms: i64| LogEvent {
            timestamp_ms,
            message: timestamp_ms.to_string(),
        };
        let events = times.into_iter().map(event).collect();
        self.service
            .logs
            .append(&test_scope(), group, stream, events)
            .await;
    }
}

/// The code and message of the error.
pub(super) fn refusal<T: std::fmt::Debug>(answer: Result<T, hearth_wire::AwsError>) -> (String, String) {
    let error = answer.unwrap_err();
    (error.code.into_owned(), error.message)
}

/// The timestamps of events that an operation answered.
pub(super) fn times<E>(events: Option<Vec<E>>, time: impl Fn(&E) -> Option<i64>) -> Vec<i64> {
    events.unwrap().iter().map(|event| time(event).unwrap()).collect()
}
