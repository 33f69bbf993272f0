//! What the tests of the store share.

use std::path::{Path, PathBuf};

use hearth_logs::{Event, LogOptions, LogStore, Query};
use hearth_types::{AccountId, LogEvent, Region, Scope};

pub(crate) const GROUP: &str = "/aws/lambda/hello";

pub(crate) fn scope() -> Scope {
    Scope {
        account: AccountId::DEFAULT,
        region: Region::default(),
    }
}

pub(crate) fn open(dir: &Path, options: LogOptions) -> LogStore {
    LogStore::open(dir, options).unwrap()
}

pub(crate) fn line(timestamp_ms: i64, message: impl Into<String>) -> LogEvent {
    LogEvent {
        timestamp_ms,
        message: message.into(),
    }
}

/// Every event of the group, page after page.
pub(crate) async fn all(store: &LogStore, group: &str) -> Vec<Event> {
    let mut query = Query::default();
    let mut events = Vec::new();
    loop {
        let page = store.events(&scope(), group, query.clone()).await.unwrap();
        events.extend(page.events);
        match page.next {
            Some(next) => query.from = next,
            None => return events,
        }
    }
}

/// The files below a directory, in order.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
