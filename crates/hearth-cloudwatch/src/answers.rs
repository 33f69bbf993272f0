//! What several operations answer: the errors of the model.

use std::io;

use hearth_wire::AwsError;
use hearth_wire::cloudwatch::MODEL;

/// `InvalidParameterValue`.
pub(crate) fn invalid_value(message: impl Into<String>) -> AwsError {
    AwsError::modeled(&MODEL, "InvalidParameterValue", message)
}

/// `InvalidParameterCombination`.
pub(crate) fn invalid_combination(message: impl Into<String>) -> AwsError {
    AwsError::modeled(&MODEL, "InvalidParameterCombination", message)
}

/// `ValidationError`.
pub(crate) fn validation_error(message: impl Into<String>) -> AwsError {
    AwsError::modeled(&MODEL, "ValidationError", message)
}

/// The token is not one of GetMetricData's, or not of this request's.
pub(crate) fn invalid_next_token() -> AwsError {
    AwsError::modeled(&MODEL, "InvalidNextToken", "The token is not valid.")
}

/// `InternalServiceError`: what is metered is not to be had. The server's log has the cause.
pub(crate) fn unreadable(cause: io::Error) -> AwsError {
    tracing::error!(%cause, "metering cannot be read");
    AwsError::modeled(&MODEL, "InternalServiceError", "The metrics cannot be read now.")
}
