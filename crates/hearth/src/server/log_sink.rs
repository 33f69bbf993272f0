//! What environments write goes to the log store.

use std::pin::Pin;

use hearth_engine::{LogBatch, LogSink};
use hearth_logs::LogStore;

/// Hands batches over to the store.
pub(super) struct Sink(pub(super) LogStore);

impl LogSink for Sink {
    fn append(&self, batch: LogBatch) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let store = self.0.clone();
        Box::pin(async move {
            let LogBatch {
                scope,
                group,
                stream,
                events,
            } = batch;
            store.append(&scope, &group, &stream, events).await;
        })
    }
}
