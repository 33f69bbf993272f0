//! PutRetentionPolicy: how long a group's events are kept.

use hearth_types::Scope;
use hearth_wire::AwsError;
use hearth_wire::logs::PutRetentionPolicyRequest;

use super::answers::invalid;
use super::group_reference::key;
use crate::service::LogService;

/// The periods there are, in days.
const DAYS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

pub(super) async fn run(
    service: &LogService,
    scope: &Scope,
    input: PutRetentionPolicyRequest,
) -> Result<(), AwsError> {
    let key = key(scope, &input.log_group_name)?;
    let wanted = input.retention_in_days;
    let days = DAYS
        .into_iter()
        .find(|days| i64::from(*days) == i64::from(wanted));
    let days = days.ok_or_else(|| not_a_period(wanted))?;
    service
        .change_group(&key, |group| {
            group.retention_days = Some(days);
            Ok(())
        })
        .await
}

fn not_a_period(wanted: i32) -> AwsError {
    let all = DAYS.map(|days| days.to_string()).join(", ");
    invalid(format!(
        "1 validation error detected: Value '{wanted}' at 'retentionInDays' failed to satisfy constraint: Member must \
         satisfy enum value set: [{all}]"
    ))
}
