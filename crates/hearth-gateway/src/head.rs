//! Status and headers as functions give them: in a whole response, or ahead of a streamed one.

use std::collections::BTreeMap;

use http::header::{CONTENT_LENGTH, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::hop_by_hop;

/// The most bytes of headers, and of cookies, as JSON. The same as of status and headers ahead of a stream; no client
/// takes more, and nothing here works on more.
const LARGEST: usize = 64 * 1024;

/// What the function returned is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// It is no JSON, or the members of a response occur twice.
    #[error("it is no JSON value")]
    Json,
    /// `statusCode` is no number from 200 to 599.
    #[error("statusCode is no HTTP status")]
    Status,
    /// `headers` is no object of texts, numbers and booleans, has what no header can have, or is too large.
    #[error("headers are no HTTP headers")]
    Headers,
    /// `cookies` is no list of texts, or too large.
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
    let raw = within(raw).ok_or(Malformed::Headers)?;
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
    hop_by_hop::remove(&mut headers);
    headers.remove(CONTENT_LENGTH);
    Ok(headers)
}

/// What is not too large.
fn within(raw: &RawValue) -> Option<&RawValue> {
    (raw.get().len() <= LARGEST).then_some(raw)
}

fn cookies(raw: &RawValue) -> Result<Vec<HeaderValue>, Malformed> {
    let raw = within(raw).ok_or(Malformed::Cookies)?;
    let texts: Vec<String> = serde_json::from_str(raw.get()).map_err(|_| Malformed::Cookies)?;
    let value = |text: String| HeaderValue::from_bytes(text.as_bytes()).map_err(|_| Malformed::Cookies);
    texts.into_iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(headers: &str) -> Result<Head, Malformed> {
        let response = format!(r#"{{"statusCode":200,"headers":{headers}}}"#);
        let members: Members<'_> = serde_json::from_str(&response).unwrap();
        members.head()
    }

    fn many(count: usize, connection: &str) -> String {
        let headers: Vec<String> = (0..count).map(|at| format!(r#""x{at}":"""#)).collect();
        format!(r#"{{"connection":"{connection}",{}}}"#, headers.join(","))
    }

    #[test]
    fn more_headers_than_a_response_can_have_are_refused() {
        assert_eq!(head(&many(40_000, "")), Err(Malformed::Headers));
        assert_eq!(head(&many(1000, "")).unwrap().headers.len(), 1000);
    }

    #[test]
    fn cookies_are_bounded() {
        let members = |count| format!(r#"{{"cookies":[{}"a"]}}"#, r#""a","#.repeat(count));
        let (few, many) = (members(9), members(LARGEST / 4));
        let read = |text| serde_json::from_str::<Members<'_>>(text).unwrap().head();
        assert_eq!(read(&few).unwrap().headers.get_all(SET_COOKIE).iter().count(), 10);
        assert_eq!(read(&many), Err(Malformed::Cookies));
    }

    #[test]
    fn headers_that_name_headers_are_removed_and_too_many_refused() {
        let too_many = head(&many(20_000, &"y,".repeat(1_000_000)));
        assert_eq!(too_many, Err(Malformed::Headers));
        let named = head(&many(3000, &"y,x7,".repeat(3000))).unwrap().headers;
        assert_eq!((named.len(), named.contains_key("x7")), (2999, false));
    }
}
