//! Errors as AWS services answer them, and the table of those that every service has.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderName, HeaderValue, Response};
use serde_json::Value;

use crate::model::ServiceModel;
use crate::{Body, protocol};

/// An error answer: what a client finds as code, status and message, before any protocol.
#[derive(Clone, Debug)]
pub struct AwsError {
    /// The code, such as `ResourceNotFoundException`.
    pub code: Cow<'static, str>,
    /// The HTTP status, 400 to 599.
    pub status: u16,
    /// The message for people.
    pub message: String,
    /// Further members of the error's structure, such as `Reason`.
    pub members: Vec<(&'static str, Value)>,
    /// Headers that belong to the error, such as `Retry-After`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl AwsError {
    /// An error with all its parts given.
    pub fn new(code: impl Into<Cow<'static, str>>, status: u16, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self {
            code,
            status,
            message,
            members: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// An error that the service's model declares; the model knows the status. A code that it does
    /// not declare gets 400.
    pub fn modeled(service: &ServiceModel, code: &'static str, message: impl Into<String>) -> Self {
        let status = service.error(code).map_or(400, |error| error.status);
        Self::new(code, status, message)
    }

    /// An error that every service has.
    pub fn common(error: CommonError, message: impl Into<String>) -> Self {
        let row = error.row();
        Self::new(row.code, row.status, message)
    }

    /// The same with a further member.
    #[must_use]
    pub fn with_member(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// The same with a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The answer as services with the rest-json protocol write it.
    pub fn into_rest_json(self, service: &ServiceModel) -> Response<Body> {
        protocol::write_rest_json_error(Some(service), self)
    }

    /// `Type` of the error: whose fault it is.
    pub(crate) fn fault(&self) -> Fault {
        if self.status < 500 {
            Fault::Sender
        } else {
            Fault::Receiver
        }
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code, self.status, self.message)
    }
}

impl std::error::Error for AwsError {}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Sender,
    Receiver,
}

impl Fault {
    /// The query protocol's name of it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sender => "Sender",
            Self::Receiver => "Receiver",
        }
    }
}

/// The errors that every service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommonError {
    /// The caller may not do this.
    AccessDenied,
    /// The session of the credentials is over.
    ExpiredToken,
    /// The signature lacks a part or is not readable.
    IncompleteSignature,
    /// A failure of ours.
    Internal,
    /// The signature does not match, or its time is too far off.
    InvalidSignature,
    /// The request is not signed.
    MissingAuthenticationToken,
    /// AWS has this operation, Hearth does not.
    NotImplemented,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is larger than the operation accepts.
    RequestTooLarge,
    /// The request cannot be read.
    Serialization,
    /// Hearth cannot take the request now.
    Unavailable,
    /// No operation has this name or path.
    UnknownOperation,
    /// The access key is not known.
    UnrecognizedClient,
    /// Members break the constraints of the model.
    Validation,
}

/// A row of the table: code, its spelling in the query protocol, and status.
struct Row {
    code: &'static str,
    query_code: &'static str,
    status: u16,
}

impl CommonError {
    const ALL: [Self; 14] = [
        Self::AccessDenied,
        Self::ExpiredToken,
        Self::IncompleteSignature,
        Self::Internal,
        Self::InvalidSignature,
        Self::MissingAuthenticationToken,
        Self::NotImplemented,
        Self::RequestTimeout,
        Self::RequestTooLarge,
        Self::Serialization,
        Self::Unavailable,
        Self::UnknownOperation,
        Self::UnrecognizedClient,
        Self::Validation,
    ];

    #[rustfmt::skip]
    const fn row(self) -> Row {
        let (code, query_code, status) = match self {
            Self::AccessDenied => ("AccessDeniedException", "AccessDenied", 403),
            Self::ExpiredToken => ("ExpiredTokenException", "ExpiredToken", 403),
            Self::IncompleteSignature => ("IncompleteSignatureException", "IncompleteSignature", 400),
            Self::Internal => ("InternalFailure", "InternalFailure", 500),
            Self::InvalidSignature => ("InvalidSignatureException", "SignatureDoesNotMatch", 403),
            Self::MissingAuthenticationToken => ("MissingAuthenticationTokenException", "MissingAuthenticationToken", 403),
            Self::NotImplemented => ("NotImplementedException", "NotImplemented", 501),
            Self::RequestTimeout => ("RequestTimeoutException", "RequestTimeout", 408),
            Self::RequestTooLarge => ("RequestEntityTooLargeException", "RequestEntityTooLarge", 413),
            Self::Serialization => ("SerializationException", "MalformedInput", 400),
            Self::Unavailable => ("ServiceUnavailableException", "ServiceUnavailable", 503),
            Self::UnknownOperation => ("UnknownOperationException", "InvalidAction", 404),
            Self::UnrecognizedClient => ("UnrecognizedClientException", "InvalidClientTokenId", 403),
            Self::Validation => ("ValidationException", "ValidationError", 400),
        };
        Row { code, query_code, status }
    }

    /// The spelling of a code in the query protocol: services with that protocol have other names
    /// for the common errors.
    pub(crate) fn query_code(code: &str) -> &str {
        let row = Self::ALL
            .iter()
            .map(|error| error.row())
            .find(|row| row.code == code);
        row.map_or(code, |row| row.query_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda;

    #[test]
    fn the_model_knows_the_status() {
        let error = AwsError::modeled(&lambda::MODEL, "TooManyRequestsException", "Rate Exceeded.");
        assert_eq!(error.status, 429);
    }

    #[test]
    fn the_query_protocol_has_its_own_names() {
        assert_eq!(
            CommonError::query_code("InvalidSignatureException"),
            "SignatureDoesNotMatch"
        );
        assert_eq!(
            CommonError::query_code("MalformedPolicyDocument"),
            "MalformedPolicyDocument"
        );
    }
}
