//! DeleteRetentionPolicy: a group's events are kept as long as any other's.

use hearth_types::Scope;
use hearth_wire::AwsError;
use hearth_wire::logs::DeleteRetentionPolicyRequest;

use super::group_reference::key;
use crate::service::LogService;

pub(super) async fn run(
    service: &LogService,
    scope: &Scope,
    input: DeleteRetentionPolicyRequest,
) -> Result<(), AwsError> {
    let key = key(scope, &input.log_group_name)?;
    service
        .change_group(&key, |group| {
            group.retention_days = None;
            Ok(())
        })
        .await
}
