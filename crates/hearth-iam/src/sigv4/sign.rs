//! Signing requests, for Hearth's own client.

use std::time::SystemTime;

use http::HeaderValue;
use http::header::{AUTHORIZATION, HOST, InvalidHeaderValue};
use http::request::Parts;

use super::date::SigningDate;
use super::key::{sha256, string_to_sign};
use super::{ALGORITHM, Credential, Request, Rules, SigningKey, canonical};
use crate::AccessKey;

/// Signs requests to one service in one region. Not to be printed, for the sake of the token.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    /// Who signs.
    pub key: &'a AccessKey,
    /// The session token that belongs to a temporary key.
    pub session_token: Option<&'a str>,
    /// The region.
    pub region: &'a str,
    /// The service's signing name.
    pub service: &'static str,
}

impl Signer<'_> {
    /// Adds `X-Amz-Date`, `Authorization` and, where missing, `Host`. Every header the request has by
    /// now is signed, so this comes last.
    pub fn sign(&self, parts: &mut Parts, body: &[u8], at: SystemTime) -> Result<(), InvalidHeaderValue> {
        let date = SigningDate::of(at);
        if let (None, Some(authority)) = (parts.headers.get(HOST), parts.uri.authority()) {
            let host = HeaderValue::from_str(authority.as_str())?;
            parts.headers.insert(HOST, host);
        }
        parts
            .headers
            .insert("x-amz-date", HeaderValue::from_str(date.as_str())?);
        if let Some(token) = self.session_token {
            parts
                .headers
                .insert("x-amz-security-token", HeaderValue::from_str(token)?);
        }
        let authorization = self.authorization(parts, body, &date);
        parts
            .headers
            .insert(AUTHORIZATION, HeaderValue::from_str(&authorization)?);
        Ok(())
    }

    fn authorization(&self, parts: &Parts, body: &[u8], date: &SigningDate) -> String {
        let credential = Credential::new(&self.key.id, date.day(), self.region, self.service);
        let mut names: Vec<String> = parts
            .headers
            .keys()
            .map(|name| name.as_str().to_owned())
            .collect();
        names.sort_unstable();
        let Parts {
            method, uri, headers, ..
        } = parts;
        let request = Request {
            method,
            uri,
            headers,
            body,
        };
        let digest = match headers.get(super::payload::CONTENT_SHA256) {
            Some(named) => String::from_utf8_lossy(named.as_bytes()).into_owned(),
            None => sha256(body),
        };
        let canonical = canonical::request(&request, &names, &digest, false, &Rules::of(self.service))
            .expect("every name was taken from the headers");
        let key = SigningKey::derive(&self.key.secret, &credential);
        let signature = key.sign(&string_to_sign(date.as_str(), credential.scope(), &canonical));
        let (credential, names) = (credential.as_str(), names.join(";"));
        format!("{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}")
    }
}
