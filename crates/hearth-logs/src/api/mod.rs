//! The CloudWatch Logs operations, one per file.

mod answers;
#[cfg(test)]
mod changes;
mod create_log_group;
mod create_log_stream;
mod delete_log_group;
mod delete_log_stream;
mod delete_retention_policy;
mod describe_log_groups;
mod describe_log_streams;
mod filter_log_events;
mod get_log_events;
mod group_reference;
mod put_log_events;
mod put_retention_policy;
mod start_live_tail;
mod tags;
#[cfg(test)]
mod testing;
mod token;

use hearth_wire::logs::{MODEL, operations};
use hearth_wire::{Context, Router};

use crate::service::LogService;

/// Registers the operations of CloudWatch Logs.
pub fn register(router: &mut Router, service: LogService) {
    let mut operations = router.service(&MODEL);
    macro_rules! operation {
        ($name:ident, $run:path) => {
            let logs = service.clone();
            operations.operation::<operations::$name, _, _>(move |context: Context, input| {
                let logs = logs.clone();
                async move { $run(&logs, &context.scope, input).await }
            });
        };
    }
    operation!(CreateLogGroup, create_log_group::run);
    operation!(CreateLogStream, create_log_stream::run);
    operation!(DeleteLogGroup, delete_log_group::run);
    operation!(DeleteLogStream, delete_log_stream::run);
    operation!(DeleteRetentionPolicy, delete_retention_policy::run);
    operation!(DescribeLogGroups, describe_log_groups::run);
    operation!(DescribeLogStreams, describe_log_streams::run);
    operation!(FilterLogEvents, filter_log_events::run);
    operation!(GetLogEvents, get_log_events::run);
    operation!(ListTagsForResource, tags::list_tags_for_resource);
    operation!(ListTagsLogGroup, tags::list_tags_log_group);
    operation!(PutLogEvents, put_log_events::run);
    operation!(PutRetentionPolicy, put_retention_policy::run);
    let logs = service.clone();
    operations.streaming::<operations::StartLiveTail, _, _>(move |context: Context, input| {
        let logs = logs.clone();
        async move { start_live_tail::run(&logs, &context, input).await }
    });
    operation!(TagLogGroup, tags::tag_log_group);
    operation!(TagResource, tags::tag_resource);
    operation!(UntagLogGroup, tags::untag_log_group);
    operation!(UntagResource, tags::untag_resource);
}
