//! Status and headers as functions give them: in a whole response, or ahead of a streamed one.

use std::collections::BTreeMap;

use http::header::{CONTENT_LENGTH, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::hop_by_hop::is_hop_by_hop;

/// What the function returned is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// It is no JSON, or the members of a response occur twice.
    #[error("it is no JSON value")]
    Json,
    /// `statusCode` is no number from 200 to 599.
    #[error("statusCode is no HTTP status")]
    Status,
    /// `headers` is no object of texts, numbers and booleans, or has what no header can have.
    #[error("headers are no HTTP headers")]
    Headers,
    /// `cookies` is no list of texts.
    #[error("cookies are no list of texts")]
    Cookies,
    /// `body` says that it is base64, and is not.
    #[error("body is no base64")]
    Base64,
    /// A streamed response does not begin with what it announced.
    #[error("the stream does not begin with status and headers")]
    Prelude,
}

/// Status and headers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
}

/// The members of a response, not looked at yet. Ahead of a stream only status, headers and cookies mean anything.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Members<'a> {
    #[serde(borrow, default)]
    pub(crate) status_code: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) headers: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) cookies: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) body: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) is_base64_encoded: Option<&'a RawValue>,
}

impl Members<'_> {
    /// Reads status and headers; without a status it is 200.
    pub(crate) fn head(&self) -> Result<Head, Malformed> {
        let status = self.status_code.map_or(Ok(StatusCode::OK), status)?;
        let mut read = self.headers.map_or_else(|| Ok(HeaderMap::new()), headers)?;
        for cookie in self.cookies.map_or_else(|| Ok(Vec::new()), cookies)? {
            read.append(SET_COOKIE, cookie);
        }
        Ok(Head {
            status,
            headers: read,
        })
    }
}

/// A number, or a text that is one. An interim or unknown status would leave the client waiting.
fn status(raw: &RawValue) -> Result<StatusCode, Malformed> {
    let text = raw.get();
    let text = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    let code = text.parse().ok().filter(|code| (200..=599).contains(code));
    code.and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or(Malformed::Status)
}

fn headers(raw: &RawValue) -> Result<HeaderMap, Malformed> {
    let members: BTreeMap<String, Value> = serde_json::from_str(raw.get()).map_err(|_| Malformed::Headers)?;
    let mut headers = HeaderMap::with_capacity(members.len());
    for (name, value) in members {
        let value = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(bool) => bool.to_string(),
            Value::Null => continue,
            Value::Array(_) | Value::Object(_) => return Err(Malformed::Headers),
        };
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Malformed::Headers)?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| Malformed::Headers)?;
        headers.insert(name, value);
    }
    let connection: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_hop_by_hop(name.as_str(), &headers))
        .cloned()
        .collect();
    for name in connection.iter().chain([&CONTENT_LENGTH]) {
        headers.remove(name);
    }
    Ok(headers)
}

fn cookies(raw: &RawValue) -> Result<Vec<HeaderValue>, Malformed> {
    let texts: Vec<String> = serde_json::from_str(raw.get()).map_err(|_| Malformed::Cookies)?;
    let value = |text: String| HeaderValue::from_bytes(text.as_bytes()).map_err(|_| Malformed::Cookies);
    texts.into_iter().map(value).collect()
}
