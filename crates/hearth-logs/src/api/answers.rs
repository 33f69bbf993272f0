//! What several operations answer: errors and ARNs.

use hearth_types::Scope;
use hearth_wire::AwsError;
use hearth_wire::logs::MODEL;

use crate::pattern::InvalidPattern;
use crate::service::ServiceError;

/// `InvalidParameterException`.
pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::modeled(&MODEL, "InvalidParameterException", message)
}

/// The token is not one of ours, or not of this operation.
pub(super) fn invalid_token() -> AwsError {
    invalid("The specified nextToken is invalid.")
}

/// No such group.
pub(super) fn no_group() -> AwsError {
    AwsError::modeled(
        &MODEL,
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
}

/// No such stream in the group.
pub(super) fn no_stream() -> AwsError {
    AwsError::modeled(
        &MODEL,
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )
}

/// A member that means something Hearth cannot do yet.
pub(super) fn unsupported(member: &str) -> AwsError {
    invalid(format!(
        "Hearth does not support {member} yet. Please leave it out."
    ))
}

impl From<ServiceError> for AwsError {
    fn from(error: ServiceError) -> Self {
        let exists = |what: &str| {
            let message = format!("The specified {what} already exists");
            Self::modeled(&MODEL, "ResourceAlreadyExistsException", message)
        };
        match error {
            ServiceError::NoGroup => no_group(),
            ServiceError::NoStream => no_stream(),
            ServiceError::GroupExists => exists("log group"),
            ServiceError::StreamExists => exists("log stream"),
            ServiceError::Read(error) => unavailable(&error, "The logs cannot be read now."),
            ServiceError::Write(error) => unavailable(&error, "The logs cannot be written now."),
            ServiceError::Store(error) => unavailable(&error, "The state of the logs is not to be had now."),
        }
    }
}

/// A failure of ours: the log has the cause.
fn unavailable(cause: &dyn std::error::Error, message: &str) -> AwsError {
    tracing::error!(%cause, "{message}");
    AwsError::modeled(&MODEL, "ServiceUnavailableException", message)
}

impl From<InvalidPattern> for AwsError {
    fn from(error: InvalidPattern) -> Self {
        invalid(error.to_string())
    }
}

/// How many items a page may have: what was asked for, within the operation's own bound.
pub(super) fn page_size(limit: Option<i32>, most: usize) -> usize {
    limit.map_or(most, |limit| {
        usize::try_from(limit).map_or(1, |limit| limit.clamp(1, most))
    })
}

/// The ARN of a log group, without the `:*` that means its streams.
pub(super) fn group_arn(scope: &Scope, group: &str) -> String {
    let Scope { account, region } = scope;
    format!("arn:aws:logs:{region}:{account}:log-group:{group}")
}
