//! Which URL a request is for: by its host name, or by its path where names below `localhost` do not resolve.

use std::borrow::Cow;

use hearth_lambda::URL_PATH;
use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;

/// The label behind the URL's id in host names.
const HOST_LABEL: &str = "lambda-url";

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    /// The URL's id, which need not be one.
    pub(crate) id: Cow<'a, str>,
    /// The region in the host name.
    pub(crate) region: Option<Cow<'a, str>>,
    /// The path as the function sees it: as sent, percent-encoding and all, but without the prefix.
    pub(crate) path: &'a str,
}

impl<'a> Address<'a> {
    /// The address of a request, if it is one of a function URL.
    pub(crate) fn of(head: &'a Parts) -> Option<Self> {
        let path = head.uri.path();
        if let Some(rest) = path.strip_prefix(URL_PATH) {
            let end = rest.find('/').unwrap_or(rest.len());
            let (id, path) = rest.split_at(end);
            return Some(Self {
                id: id.into(),
                region: None,
                path: if path.is_empty() { "/" } else { path },
            });
        }
        let mut labels = host_name(head)?.split('.');
        let (id, label, region) = (labels.next()?, labels.next()?, labels.next()?);
        label.eq_ignore_ascii_case(HOST_LABEL).then(|| Self {
            id: lower(id),
            region: Some(lower(region)),
            path: if path.is_empty() { "/" } else { path },
        })
    }
}

/// The host of a request as the client wrote it, with its port.
pub(crate) fn host(head: &Parts) -> Option<&str> {
    let header = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    header.or_else(|| head.uri.authority().map(Authority::as_str))
}

/// The host of a request without its port.
pub(crate) fn host_name(head: &Parts) -> Option<&str> {
    host(head).map(|host| {
        let end = match host.starts_with('[') {
            true => host.find(']').map_or(host.len(), |end| end + 1),
            false => host.find(':').unwrap_or(host.len()),
        };
        &host[..end]
    })
}

/// Host names mean the same in upper case.
fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        text.to_ascii_lowercase().into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use proptest::prelude::*;

    use super::*;

    fn head(host: &str, target: &str) -> Parts {
        let request = Request::get(target).header("host", host).body(()).unwrap();
        request.into_parts().0
    }

    fn parts<'a>(address: &'a Address<'_>) -> (&'a str, Option<&'a str>, &'a str) {
        (&address.id, address.region.as_deref(), address.path)
    }

    #[test]
    fn a_url_has_a_host_name_and_a_path() {
        for (host, target, expected) in [
            (
                "abc.lambda-url.us-east-1.localhost:4566",
                "/a%2Fb?c",
                ("abc", Some("us-east-1"), "/a%2Fb"),
            ),
            (
                "ABC.Lambda-URL.eu-west-1.example.com",
                "/",
                ("abc", Some("eu-west-1"), "/"),
            ),
            (
                "abc.lambda-url.us-east-1.localhost",
                "/health",
                ("abc", Some("us-east-1"), "/health"),
            ),
            ("127.0.0.1:4566", "/_hearth/url/abc/x/y", ("abc", None, "/x/y")),
            ("127.0.0.1:4566", "/_hearth/url/abc", ("abc", None, "/")),
            ("127.0.0.1:4566", "/_hearth/url/abc//", ("abc", None, "//")),
            ("x", "/_hearth/url/", ("", None, "/")),
        ] {
            let head = head(host, target);
            assert_eq!(parts(&Address::of(&head).unwrap()), expected, "{host} {target}");
        }
    }

    #[test]
    fn other_requests_are_none_of_ours() {
        for (host, target) in [
            ("127.0.0.1:4566", "/2015-03-31/functions"),
            ("localhost:4566", "/_hearth/code/abc"),
            ("abc.lambda-url", "/"),
            ("lambda-url.us-east-1.localhost", "/"),
            ("x.abc.lambda-url.us-east-1.localhost", "/"),
        ] {
            assert_eq!(Address::of(&head(host, target)), None, "{host} {target}");
        }
    }

    #[test]
    fn a_port_is_no_part_of_the_name() {
        for (host, name) in [
            ("a.b:1", "a.b"),
            ("[::1]:1", "[::1]"),
            ("[::1", "[::1"),
            ("a", "a"),
        ] {
            assert_eq!(host_name(&head(host, "/")), Some(name));
        }
    }

    proptest! {
        #[test]
        fn any_host_is_read_or_left(host in "[ -~]{0,60}", path in "/[!-~&&[^#?]]{0,20}") {
            let Ok(request) = Request::get(path).header("host", host).body(()) else { return Ok(()) };
            Address::of(&request.into_parts().0);
        }
    }
}
