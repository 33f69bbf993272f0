//! The CloudWatch Logs operations, one per file.

mod answers;
mod describe_log_groups;
mod describe_log_streams;
mod filter_log_events;
mod get_log_events;
mod group_reference;
#[cfg(test)]
mod testing;
mod token;

use hearth_wire::logs::{MODEL, operations};
use hearth_wire::{Context, Router};

use crate::store::LogStore;

/// Registers the operations of CloudWatch Logs that read.
pub fn register(router: &mut Router, store: LogStore) {
    let mut service = router.service(&MODEL);
    macro_rules! operation {
        ($name:ident, $run:path) => {
            let logs = store.clone();
            service.operation::<operations::$name, _, _>(move |context: Context, input| {
                let logs = logs.clone();
                async move { $run(&logs, &context.scope, input).await }
            });
        };
    }
    operation!(DescribeLogGroups, describe_log_groups::run);
    operation!(DescribeLogStreams, describe_log_streams::run);
    operation!(FilterLogEvents, filter_log_events::run);
    operation!(GetLogEvents, get_log_events::run);
}
