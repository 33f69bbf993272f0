//! Answers that no function gave.

use hearth_wire::{AwsError, Body, BodyFailure, CommonError, lambda};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};

/// The largest body of a request, in bytes.
pub(crate) const BODY_LIMIT: u64 = hearth_types::limits::SYNC_PAYLOAD as u64;

/// Nobody may know more: there is no such URL, or the visitor may not use it.
pub(crate) fn forbidden() -> Response<Body> {
    let mut response = text(StatusCode::FORBIDDEN, r#"{"Message":"Forbidden"}"#);
    response.headers_mut().insert(
        "x-amzn-errortype",
        HeaderValue::from_static("AccessDeniedException"),
    );
    response
}

/// The function failed, or what it returned is no response.
pub(crate) fn bad_gateway() -> Response<Body> {
    text(StatusCode::BAD_GATEWAY, "Internal Server Error")
}

/// An error of the API that the function is part of.
pub(crate) fn error(error: AwsError) -> Response<Body> {
    error.into_rest_json(&lambda::MODEL)
}

/// The body of the request was not read.
pub(crate) fn unread(failure: &BodyFailure) -> Response<Body> {
    error(match failure {
        BodyFailure::TooLarge(_) => AwsError::common(
            CommonError::RequestTooLarge,
            format!("Request must be smaller than {BODY_LIMIT} bytes for the InvokeFunctionUrl operation"),
        ),
        BodyFailure::TooSlow => AwsError::common(
            CommonError::RequestTimeout,
            "The request body did not arrive in time.",
        ),
        BodyFailure::Broken(_) => {
            AwsError::common(CommonError::Serialization, "The request body ended early.")
        }
    })
}

fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
