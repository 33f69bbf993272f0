//! What can go wrong between client and server.

use std::fmt;
use std::io;

use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Nobody listens.
    #[error("no Hearth at {authority}; start one with `hearth dev`")]
    NoServer { authority: String },
    /// The connection broke or whoever listens does not speak HTTP.
    #[error("the connection to {authority} failed: {message}")]
    Connection { authority: String, message: String },
    /// The server answered with an error.
    #[error("{message} ({code})")]
    Answer {
        status: u16,
        code: String,
        message: String,
    },
    /// The answer is not what this version of the client knows.
    #[error("the server's answer is not understood: {0}")]
    Unexpected(String),
    /// The request cannot even be written.
    #[error("the request cannot be sent: {0}")]
    Request(String),
}

impl ClientError {
    pub(super) fn request(error: impl fmt::Display) -> Self {
        Self::Request(error.to_string())
    }

    pub(super) fn connection(authority: &str) -> impl FnOnce(hyper::Error) -> Self {
        let authority = authority.to_owned();
        move |error| Self::Connection {
            authority,
            message: error.to_string(),
        }
    }

    pub(super) fn connect(authority: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::NoServer {
                authority: authority.to_owned(),
            },
            _ => Self::Connection {
                authority: authority.to_owned(),
                message: error.to_string(),
            },
        }
    }

    /// Reads an error in the form of rest-json (code in a header) or of awsJson (code in `__type`).
    pub(super) fn answered(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let header = headers
            .get("x-amzn-errortype")
            .and_then(|code| code.to_str().ok());
        let code = header.or_else(|| text("__type")).unwrap_or("Unknown");
        let code = code.rsplit('#').next().unwrap_or(code);
        let code = code.split(':').next().unwrap_or(code).to_owned();
        let message = text("message").or_else(|| text("Message"));
        let message = message.filter(|message| !message.is_empty());
        let message = message.map_or_else(|| format!("the server answered {status}"), str::to_owned);
        Self::Answer {
            status: status.as_u16(),
            code,
            message,
        }
    }

    /// Whether the server said that there is such a thing already.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Answer { code, .. } if code == "ResourceConflictException")
    }

    /// Whether the server said that there is no such thing.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Answer { code, .. } if code == "ResourceNotFoundException")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_forms_of_errors_are_read() {
        let mut headers = HeaderMap::new();
        let body = br#"{"__type":"com.amazonaws.logs#ResourceNotFoundException","message":"no group"}"#;
        let error = ClientError::answered(StatusCode::BAD_REQUEST, &headers, body);
        assert!(error.is_not_found());
        assert_eq!(error.to_string(), "no group (ResourceNotFoundException)");

        headers.insert("x-amzn-errortype", "ServiceException:http://x/".parse().unwrap());
        let body = br#"{"Type":"Service","Message":"broken"}"#;
        let error = ClientError::answered(StatusCode::INTERNAL_SERVER_ERROR, &headers, body);
        assert_eq!(error.to_string(), "broken (ServiceException)");
    }

    proptest! {
        #[test]
        fn any_error_body_makes_a_message(body: Vec<u8>) {
            let error = ClientError::answered(StatusCode::BAD_GATEWAY, &HeaderMap::new(), &body);
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
