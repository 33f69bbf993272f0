//! Requests that others signed, requests that are wrong in one way, and properties of all requests.

mod botocore;
mod chunks;
mod properties;
mod published;
mod refusals;

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use super::date::SigningDate;
use super::{Presented, Request, Rules, SignatureError, Signer, SigningKey};
use crate::{AccessKey, Secret};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// A request that owns its parts.
#[derive(Clone, Debug, Default)]
struct Owned {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Owned {
    fn new(method: &str, uri: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let headers = headers.iter().map(|(name, value)| {
            (
                HeaderName::try_from(*name).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            )
        });
        Self {
            method: method.parse().unwrap(),
            uri: uri.parse().unwrap(),
            headers: collect(headers),
            body: body.to_vec(),
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            uri: &self.uri,
            headers: &self.headers,
            body: &self.body,
        }
    }

    /// Signs with the example key.
    fn signed(self, service: &'static str, at: SystemTime) -> Self {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        (parts.method, parts.uri, parts.headers) = (self.method, self.uri, self.headers);
        let signer = Signer {
            key: &example_key(),
            session_token: None,
            region: "us-east-1",
            service,
        };
        signer.sign(&mut parts, &self.body, at).unwrap();
        Self {
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body: self.body,
        }
    }

    /// Reads, checks and verifies as a server that knows the example key and no other.
    fn verify(&self, service: &'static str, now: SystemTime) -> Result<Option<Bytes>, SignatureError> {
        let (request, rules) = (self.request(), Rules::of(service));
        let presented = Presented::read(&request)?.expect("a signature");
        presented.check(&self.headers, &rules, now)?;
        if presented.credential().access_key() != "AKIDEXAMPLE" {
            return Err(SignatureError::Mismatch);
        }
        let key = SigningKey::derive(&example_key().secret, presented.credential());
        presented.verify(&request, &rules, &key)
    }
}

fn example_key() -> AccessKey {
    AccessKey {
        id: "AKIDEXAMPLE".into(),
        secret: Secret::new(SECRET.into()),
    }
}

fn collect(fields: impl Iterator<Item = (HeaderName, HeaderValue)>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(name, value);
    }
    headers
}

fn at(text: &str) -> SystemTime {
    SigningDate::parse(text).unwrap().at()
}
