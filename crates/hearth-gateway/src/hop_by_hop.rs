//! Headers that are about one connection, and neither for functions nor from them.

use http::HeaderMap;
use http::header::CONNECTION;

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
    }
}
