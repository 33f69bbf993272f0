//! What a request says about itself, for a server that believes everything.

use http::header::AUTHORIZATION;

use super::presented::single;
use super::{Request, presigned};
use crate::Secret;

/// Access key, region and session token as far as they can be made out, whatever else is wrong.
#[derive(Clone, Debug, Default)]
pub struct Claimed {
    /// The access key id.
    pub access_key: Option<String>,
    /// The region of the credential scope.
    pub region: Option<String>,
    /// The session token.
    pub token: Option<Secret>,
}

impl Claimed {
    /// Looks into the `Authorization` header, then into the query.
    pub fn read(request: &Request<'_>) -> Self {
        let header = request
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let query = request.uri.query().unwrap_or_default();
        let credential = match header.and_then(credential) {
            Some(credential) => Some(credential.to_owned()),
            None => presigned::parameter(query, "X-Amz-Credential"),
        };
        let token = match single(request.headers, "x-amz-security-token") {
            Ok(Some(token)) => Some(token.to_owned()),
            _ => presigned::parameter(query, "X-Amz-Security-Token"),
        };
        let credential = credential.unwrap_or_default();
        let mut parts = credential
            .split('/')
            .map(|part| Some(part.to_owned()).filter(|part| !part.is_empty()));
        Self {
            access_key: parts.next().flatten(),
            region: parts.nth(1).flatten(),
            token: token.map(Secret::new),
        }
    }
}

fn credential(authorization: &str) -> Option<&str> {
    let (_, rest) = authorization.split_once("Credential=")?;
    rest.split([',', ' ']).next()
}
