//! Headers that are about one connection, and neither for functions nor from them.

use http::header::CONNECTION;
use http::{HeaderMap, HeaderName};

/// RFC 9110 section 7.6.1, and those that old clients send.
const NAMES: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether a header of this lower-case name is about the connection, in a message with these headers.
pub(crate) fn is_hop_by_hop(name: &str, headers: &HeaderMap) -> bool {
    NAMES.contains(&name)
        || headers
            .get_all(CONNECTION)
            .iter()
            .any(|value| names(value.as_bytes(), name))
}

/// Removes the headers that are about the connection. Takes time in proportion to their bytes.
pub(crate) fn remove(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|token| HeaderName::from_bytes(token.trim_ascii()).ok())
        .collect();
    for name in NAMES {
        headers.remove(name);
    }
    for name in named {
        headers.remove(name);
    }
}

fn names(connection: &[u8], name: &str) -> bool {
    connection
        .split(|byte| *byte == b',')
        .any(|token| token.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connection_header_may_name_more() {
        let mut headers = HeaderMap::new();
        headers.insert(CONNECTION, "close, X-Own".parse().unwrap());
        assert!(is_hop_by_hop("x-own", &headers) && is_hop_by_hop("te", &headers));
        assert!(!is_hop_by_hop("x-other", &headers) && !is_hop_by_hop("content-length", &headers));
        for name in ["x-own", "x-other", "te", "content-length"] {
            headers.insert(name, "1".parse().unwrap());
        }
        remove(&mut headers);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content-length", "x-other"]);
    }
}
