//! CreateLogGroup.

use hearth_types::Scope;
use hearth_wire::AwsError;
use hearth_wire::logs::{CreateLogGroupRequest, LogGroupClass};

use super::answers::{invalid, unsupported};
use super::group_reference::key;
use super::tags;
use crate::service::LogService;

/// Names that begin so are AWS's own.
const RESERVED: &str = "aws/";

pub(super) async fn run(
    service: &LogService,
    scope: &Scope,
    input: CreateLogGroupRequest,
) -> Result<(), AwsError> {
    let key = key(scope, &input.log_group_name)?;
    let start = key.name.get(..RESERVED.len());
    if start.is_some_and(|start| start.eq_ignore_ascii_case(RESERVED)) {
        return Err(invalid("Log groups starting with AWS/ are reserved for AWS."));
    }
    if input.kms_key_id.is_some_and(|key| !key.is_empty()) {
        return Err(unsupported("kmsKeyId"));
    }
    if input.deletion_protection_enabled == Some(true) {
        return Err(unsupported("deletionProtectionEnabled"));
    }
    let class = input.log_group_class.unwrap_or(LogGroupClass::Standard);
    if class != LogGroupClass::Standard {
        return Err(unsupported(&format!("logGroupClass {class}")));
    }
    let wanted = input.tags.unwrap_or_default();
    let mut tags = Default::default();
    tags::add(&mut tags, wanted, &key.name)?;
    Ok(service.create_group(&key, tags).await?)
}
