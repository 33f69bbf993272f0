//! Where the server is.

use http::Uri;
use http::uri::Scheme;

/// The root of a server's URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    authority: String,
}

/// The text is not the URL of a server.
#[derive(Debug, thiserror::Error)]
#[error("the endpoint cannot be {text:?}; write a URL such as http://127.0.0.1:4566{hint}")]
pub(crate) struct InvalidEndpoint {
    text: String,
    hint: &'static str,
}

impl Endpoint {
    /// Reads `http://host:port`, with or without a slash behind it.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidEndpoint> {
        let invalid = |hint| InvalidEndpoint {
            text: text.to_owned(),
            hint,
        };
        let uri: Uri = text.parse().map_err(|_| invalid(""))?;
        if uri.scheme() == Some(&Scheme::HTTPS) {
            return Err(invalid(" (this client does not speak TLS)"));
        }
        let plain =
            uri.scheme() == Some(&Scheme::HTTP) && matches!(uri.path(), "" | "/") && uri.query().is_none();
        let authority = uri
            .authority()
            .filter(|authority| plain && !authority.as_str().contains('@'));
        let authority = authority.ok_or_else(|| invalid(""))?;
        let port = authority.port_u16().unwrap_or(80);
        Ok(Self {
            authority: format!("{}:{port}", authority.host()),
        })
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The URL of a path and query on this server.
    pub(super) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_endpoint_is_a_plain_url() {
        assert_eq!(
            Endpoint::parse("http://127.0.0.1:4566/").unwrap().authority(),
            "127.0.0.1:4566"
        );
        assert_eq!(Endpoint::parse("http://[::1]").unwrap().authority(), "[::1]:80");
        for bad in [
            "",
            "127.0.0.1:4566",
            "localhost",
            "http://a/b",
            "http://a?b",
            "https://a",
            "http://u@a",
        ] {
            assert!(Endpoint::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}|http://.{0,30}") {
            let _ = Endpoint::parse(&text);
        }
    }
}
