//! What the interfaces answer when they refuse.

use std::fmt::Display;

use bytes::Bytes;
use hearth_types::limits;
use serde_json::json;

/// A refusal: HTTP status, error type and text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error_type}: {message}")]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// `errorType` of the body.
    pub error_type: &'static str,
    /// `errorMessage` of the body.
    pub message: String,
}

impl ApiError {
    /// The body.
    pub fn body(&self) -> Bytes {
        let (message, error_type) = (json!(self.message), json!(self.error_type));
        format!(r#"{{"errorMessage":{message},"errorType":{error_type}}}"#).into()
    }

    pub(crate) fn forbidden(error_type: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: 403,
            error_type,
            message: message.into(),
        }
    }

    /// The runtime asked for what its state does not allow.
    pub(crate) fn runtime_transition(from: impl Display, to: impl Display) -> Self {
        let message = format!(
            "State transition from {from} to {to} failed for runtime. Error: State transition is not allowed"
        );
        Self::forbidden("InvalidStateTransition", message)
    }

    /// An extension asked for what its state does not allow. `who` is its name or its identifier.
    pub(crate) fn extension_transition(from: impl Display, to: impl Display, who: impl Display) -> Self {
        let message = format!(
            "State transition from {from} to {to} failed for extension {who}. \
             Error: State transition is not allowed"
        );
        Self::forbidden("Extension.InvalidExtensionState", message)
    }

    /// The invocation is not the current one, or has its answer.
    pub(crate) fn invalid_request_id() -> Self {
        Self {
            status: 400,
            error_type: "InvalidRequestID",
            message: "Invalid request ID".to_owned(),
        }
    }

    pub(crate) fn invalid_response_mode() -> Self {
        Self {
            status: 400,
            error_type: "InvalidFunctionResponseMode",
            message: "Invalid function response mode".to_owned(),
        }
    }

    pub(crate) fn truncated() -> Self {
        Self {
            status: 400,
            error_type: "TruncatedHTTPRequest",
            message: "HTTP request detected as truncated".to_owned(),
        }
    }

    pub(crate) fn too_large() -> Self {
        let limit = limits::RUNTIME_PAYLOAD;
        Self {
            status: 413,
            error_type: "RequestEntityTooLarge",
            message: format!("Exceeded maximum allowed payload size ({limit} bytes)."),
        }
    }
}
