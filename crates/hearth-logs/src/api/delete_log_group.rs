//! DeleteLogGroup: the group, its streams and its events.

use hearth_types::Scope;
use hearth_wire::AwsError;
use hearth_wire::logs::DeleteLogGroupRequest;

use super::group_reference::key;
use crate::service::LogService;

pub(super) async fn run(
    service: &LogService,
    scope: &Scope,
    input: DeleteLogGroupRequest,
) -> Result<(), AwsError> {
    let key = key(scope, &input.log_group_name)?;
    Ok(service.delete_group(&key).await?)
}
