//! Keeps web pages away from a server that believes everyone.
//!
//! `hearth dev` takes any credentials, and listening on loopback does not stop a browser on the same machine: a page
//! may send requests there, or have its own host name resolve to 127.0.0.1. Browsers say where a request comes from
//! and which host it was meant for, so requests that name another host than this machine, or come from a page of
//! another host, are refused.

use std::net::IpAddr;

use hearth_wire::{Authenticated, Authenticator, AwsError, CommonError, SignedRequest};
use http::{HeaderMap, HeaderName, Uri, header};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// An authenticator that is asked only about requests from programs and pages of this machine.
pub(super) struct LocalOnly<A>(pub(super) A);

impl<A: Authenticator> Authenticator for LocalOnly<A> {
    fn authenticate(&self, request: &SignedRequest<'_>) -> Result<Authenticated, AwsError> {
        refuse_foreign(request.headers)?;
        self.0.authenticate(request)
    }

    fn admit(&self, head: &SignedRequest<'_>) -> Result<(), AwsError> {
        refuse_foreign(head.headers)?;
        self.0.admit(head)
    }
}

fn refuse_foreign(headers: &HeaderMap) -> Result<(), AwsError> {
    foreign(headers).map_or(Ok(()), |what| {
        Err(AwsError::common(
            CommonError::AccessDenied,
            format!(
                "hearth dev answers only this machine, and the {what} of the request names another; \
                 use 127.0.0.1, localhost or a name below localhost"
            ),
        ))
    })
}

/// The header by which a request shows that it does not come from this machine.
fn foreign(headers: &HeaderMap) -> Option<&'static str> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if text(header::HOST).is_some_and(|host| !is_local(host)) {
        return Some("Host");
    }
    match (text(header::ORIGIN), text(SEC_FETCH_SITE)) {
        (Some(origin), _) => (!is_local_origin(origin)).then_some("Origin"),
        (None, Some("cross-site")) => Some("Sec-Fetch-Site"),
        (None, _) => None,
    }
}

fn is_local_origin(origin: &str) -> bool {
    let Ok(uri) = origin.parse::<Uri>() else {
        return false;
    };
    uri.scheme().is_some()
        && uri
            .authority()
            .is_some_and(|authority| is_local(authority.as_str()))
}

/// Whether `host[:port]` is a name that only this machine has. `localhost.localstack.cloud` and the names below it
/// are published with the address 127.0.0.1, and SDK configurations use them.
fn is_local(host: &str) -> bool {
    let Ok(authority) = host.parse::<http::uri::Authority>() else {
        return false;
    };
    if host.contains('@') {
        return false;
    }
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = name.parse::<IpAddr>() {
        return address.is_loopback();
    }
    let name = name.to_ascii_lowercase();
    ["localhost", "localhost.localstack.cloud"].iter().any(|local| {
        name.strip_suffix(local)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn programs_of_this_machine_are_let_through() {
        for host in [
            "127.0.0.1:4566",
            "127.8.9.1",
            "[::1]:4566",
            "localhost:4566",
            "LOCALHOST",
            "abc.lambda-url.localhost:4566",
            "localhost.localstack.cloud:4566",
            "s3.localhost.localstack.cloud",
        ] {
            assert_eq!(foreign(&headers(&[("host", host)])), None, "{host}");
        }
        assert_eq!(foreign(&HeaderMap::new()), None);
        let page = [
            ("host", "127.0.0.1:4566"),
            ("origin", "http://localhost:3000"),
            ("sec-fetch-site", "cross-site"),
        ];
        assert_eq!(foreign(&headers(&page)), None);
    }

    #[test]
    fn a_name_that_was_made_to_resolve_here_is_refused() {
        for host in [
            "evil.example:4566",
            "localhost.evil.example",
            "evillocalhost",
            "127.0.0.1.evil.example",
            "192.168.0.7",
            "0.0.0.0:4566",
            "localhost@evil.example",
            "",
            "?",
        ] {
            assert_eq!(foreign(&headers(&[("host", host)])), Some("Host"), "{host}");
        }
    }

    /// Believes everyone, as an authenticator of `hearth dev` does.
    struct Everyone;

    impl Authenticator for Everyone {
        fn authenticate(&self, _: &SignedRequest<'_>) -> Result<Authenticated, AwsError> {
            unreachable!("only heads are judged here")
        }
    }

    #[test]
    fn a_page_is_refused_before_its_body_is_read() {
        let admitted = |host| {
            let head = SignedRequest {
                method: &http::Method::POST,
                uri: &Uri::from_static("/"),
                headers: &headers(&[("host", host)]),
                body: &bytes::Bytes::new(),
                now: std::time::SystemTime::now(),
                service: "lambda",
                operation: "CreateFunction",
            };
            LocalOnly(Everyone).admit(&head).is_ok()
        };
        assert!(admitted("localhost:4566") && !admitted("evil.example"));
    }

    #[test]
    fn pages_of_other_hosts_are_refused() {
        for origin in [
            "https://evil.example",
            "null",
            "http://127.0.0.1.evil.example",
            "file://",
        ] {
            let request = headers(&[("host", "127.0.0.1:4566"), ("origin", origin)]);
            assert_eq!(foreign(&request), Some("Origin"), "{origin}");
        }
        let image = headers(&[("host", "127.0.0.1:4566"), ("sec-fetch-site", "cross-site")]);
        assert_eq!(foreign(&image), Some("Sec-Fetch-Site"));
    }

    proptest! {
        #[test]
        fn any_header_is_judged(host: Vec<u8>, origin in "[a-z:/.@\\[\\]0-9]{0,30}") {
            let mut headers = HeaderMap::new();
            if let Ok(host) = HeaderValue::from_bytes(&host) {
                headers.insert(header::HOST, host);
            }
            headers.insert(header::ORIGIN, origin.parse().unwrap());
            foreign(&headers);
        }

        #[test]
        fn other_domains_are_foreign(name in "[a-z0-9-]{1,12}(\\.[a-z0-9-]{1,12}){0,3}\\.[a-z]{2,6}") {
            prop_assume!(!name.ends_with(".localhost"));
            prop_assert!(!is_local(&name));
        }
    }
}
