//! A store to ask.

use hearth_types::LogEvent;
use tempfile::TempDir;

use crate::group_key::test_scope;
use crate::{LogOptions, LogStore};

pub(super) const GROUP: &str = "/aws/lambda/hello";

/// A store and the directory it lies in.
pub(super) struct Logs {
    pub(super) store: LogStore,
    _dir: TempDir,
}

impl Logs {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            store: LogStore::open(dir.path(), LogOptions::default()).unwrap(),
            _dir: dir,
        }
    }

    /// Appends events whose messages are their timestamps.
    pub(super) async fn append(&self, group: &str, stream: &str, times: impl IntoIterator<Item = i64>) {
        let event = |timestamp_ms: i64| LogEvent {
            timestamp_ms,
            message: timestamp_ms.to_string(),
        };
        let events = times.into_iter().map(event).collect();
        self.store.append(&test_scope(), group, stream, events).await;
    }
}

/// The code and message of the error.
pub(super) fn refusal<T: std::fmt::Debug>(answer: Result<T, hearth_wire::AwsError>) -> (String, String) {
    let error = answer.unwrap_err();
    (error.code.into_owned(), error.message)
}
