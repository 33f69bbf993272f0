//! Why a request is refused before its operation is looked at.

use hearth_wire::{AwsError, CommonError};

use crate::sessions::SessionError;
use crate::sigv4::SignatureError;

/// A request whose sender is not known or may not do what it asks.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("Missing Authentication Token")]
    Unsigned,
    #[error(transparent)]
    Signature(#[from] SignatureError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(
        "User: {arn} is not authorized to perform: {action} on resource: * because no identity-based \
         policy allows the {action} action"
    )]
    Denied { arn: String, action: String },
}

impl From<Refusal> for AwsError {
    fn from(refusal: Refusal) -> Self {
        let error = match &refusal {
            Refusal::Unsigned => CommonError::MissingAuthenticationToken,
            Refusal::Signature(SignatureError::Incomplete(_)) => CommonError::IncompleteSignature,
            Refusal::Signature(SignatureError::Body(_)) => CommonError::Serialization,
            Refusal::Signature(SignatureError::Invalid(_) | SignatureError::Mismatch) => {
                CommonError::InvalidSignature
            }
            Refusal::Session(SessionError::Unknown) => CommonError::UnrecognizedClient,
            Refusal::Session(SessionError::Expired) => CommonError::ExpiredToken,
            Refusal::Denied { .. } => CommonError::AccessDenied,
        };
        AwsError::common(error, refusal.to_string())
    }
}
