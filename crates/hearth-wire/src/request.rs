//! A request before its protocol is undone.

use std::fmt;

use bytes::Bytes;
use http::HeaderMap;

/// A request whose operation is known and whose body was not looked at.
#[derive(Clone, Default)]
pub struct RawRequest {
    /// The decoded labels of the path, by the names in the URI template.
    pub labels: Vec<(&'static str, String)>,
    /// The decoded pairs of the query, in the order written.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, without transfer signatures.
    pub body: Bytes,
}

/// Without query, headers and body: they hold tokens and signatures that are still good, and what is the caller's own.
impl fmt::Debug for RawRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRequest")
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}

impl RawRequest {
    /// The label of this name.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels
            .iter()
            .find(|(label, _)| *label == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first query parameter of this name.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(parameter, _)| parameter == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first header of this name, where it is readable text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
