//! The canonical request: the one spelling of a request that client and server both hash.

use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::presigned::SIGNATURE;
use super::{Request, Rules, SignatureError};

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
const UNRESERVED_OR_SLASH: &AsciiSet = &UNRESERVED.remove(b'/');

/// The six parts of a canonical request, joined.
pub(super) fn request(
    request: &Request<'_>,
    signed_headers: &[String],
    payload_digest: &str,
    presigned: bool,
    rules: &Rules,
) -> Result<Vec<u8>, SignatureError> {
    let mut text = Vec::with_capacity(1024);
    for line in [
        request.method.as_str(),
        &path(request.uri.path(), rules),
        &query(request.uri.query().unwrap_or_default(), presigned),
    ] {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    write_headers(&mut text, request.headers, signed_headers)?;
    text.push(b'\n');
    text.extend_from_slice(signed_headers.join(";").as_bytes());
    text.push(b'\n');
    text.extend_from_slice(payload_digest.as_bytes());
    Ok(text)
}

/// S3: decoded and encoded once. Elsewhere: dot segments and empty segments are removed from the path as
/// it was sent, and the result is encoded once more, so that `%3A` becomes `%253A`.
pub(super) fn path(raw: &str, rules: &Rules) -> String {
    if rules.s3 {
        let decoded: Vec<u8> = percent_decode_str(raw).collect();
        return match decoded.as_slice() {
            [] => "/".to_owned(),
            decoded => percent_encode(decoded, UNRESERVED_OR_SLASH).to_string(),
        };
    }
    percent_encode(normalised(raw).as_bytes(), UNRESERVED_OR_SLASH).to_string()
}

fn normalised(raw: &str) -> String {
    let mut segments = Vec::new();
    for segment in raw.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let end = if raw.ends_with('/') && !segments.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{end}", segments.join("/"))
}

/// Parameters in their canonical encoding, sorted by name and value, without the signature if it is one of them.
pub(super) fn query(raw: &str, presigned: bool) -> String {
    let pairs = raw.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| !presigned || *name != SIGNATURE)
        .map(|(name, value)| (recoded(name), recoded(value)))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// A plus is read as a space wherever queries are read, so it is signed as one: whoever changes requests on their way
/// could otherwise put it in the place of a signed `%2B`.
fn recoded(text: &str) -> String {
    let decoded: Vec<u8> = percent_decode_str(&text.replace('+', "%20")).collect();
    percent_encode(&decoded, UNRESERVED).to_string()
}

/// `name:value\n` for each signed header: values of one name joined by commas, spaces collapsed.
fn write_headers(
    text: &mut Vec<u8>,
    headers: &HeaderMap,
    signed_headers: &[String],
) -> Result<(), SignatureError> {
    for name in signed_headers {
        let mut values = headers.get_all(name.as_str()).iter();
        // A header that was signed but did not arrive was lost or removed on the way.
        let first = values.next().ok_or(SignatureError::Mismatch)?;
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        write_collapsed(text, first.as_bytes());
        for value in values {
            text.push(b',');
            write_collapsed(text, value.as_bytes());
        }
        text.push(b'\n');
    }
    Ok(())
}

fn write_collapsed(text: &mut Vec<u8>, value: &[u8]) {
    let words = value
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            text.push(b' ');
        }
        text.extend_from_slice(word);
    }
}
