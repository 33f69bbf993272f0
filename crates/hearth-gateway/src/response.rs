//! From what a function returned to a response: payload format 2.0 and its rules of inference.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use hearth_wire::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde_json::value::RawValue;

use crate::head::{Head, Malformed, Members};
use crate::json::compact;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// With or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The response that a returned JSON value stands for. An object without `statusCode` is no response, but the body of
/// one.
pub(crate) fn interpret(payload: &[u8]) -> Result<Response<Body>, Malformed> {
    let json: &RawValue = serde_json::from_slice(payload).map_err(|_| Malformed::Json)?;
    if json.get().starts_with('{') {
        let members: Members<'_> = serde_json::from_str(json.get()).map_err(|_| Malformed::Json)?;
        if members.status_code.is_some() {
            return whole(&members);
        }
    }
    let mut response = Response::new(text_or_json(json)?.into());
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    Ok(response)
}

/// The response that an object with a status describes.
fn whole(members: &Members<'_>) -> Result<Response<Body>, Malformed> {
    let Head { status, headers } = members.head()?;
    let body = members.body.map_or_else(|| Ok(Bytes::new()), text_or_json)?;
    let body = match members.is_base64_encoded.map(RawValue::get) {
        Some("true") => BASE64.decode(&body).map_err(|_| Malformed::Base64)?.into(),
        _ => body,
    };
    let has_none = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let mut response = Response::new(if has_none { Body::empty() } else { body.into() });
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.headers_mut().entry(CONTENT_TYPE).or_insert(JSON);
    Ok(response)
}

/// A text without its quotes, any other value as JSON.
fn text_or_json(json: &RawValue) -> Result<Bytes, Malformed> {
    if json.get().starts_with('"') {
        let text: String = serde_json::from_str(json.get()).map_err(|_| Malformed::Json)?;
        return Ok(text.into());
    }
    Ok(compact(json.get()).into_owned().into())
}
