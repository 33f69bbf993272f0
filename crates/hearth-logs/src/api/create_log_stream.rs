//! CreateLogStream.

use hearth_types::Scope;
use hearth_wire::AwsError;
use hearth_wire::logs::CreateLogStreamRequest;

use super::group_reference::key;
use crate::service::LogService;

pub(super) async fn run(
    service: &LogService,
    scope: &Scope,
    input: CreateLogStreamRequest,
) -> Result<(), AwsError> {
    let key = key(scope, &input.log_group_name)?;
    Ok(service.create_stream(&key, &input.log_stream_name).await?)
}
