//! A small client of the AWS APIs that Hearth answers.

mod credentials;
mod endpoint;
mod error;
mod exchange;
mod lambda;
mod logs;
mod stream;
mod urls;
mod usage;
mod versions;

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use hearth_types::Region;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};

pub(crate) use credentials::Credentials;
pub(crate) use endpoint::Endpoint;
pub(crate) use error::ClientError;
pub(crate) use lambda::{Invoked, Mode};
pub(crate) use logs::LogQuery;
pub(crate) use urls::{UrlOf, UrlSettings};

use hearth_iam::sigv4::Signer;
use hearth_lambda::URL_PATH;

use crate::deploy::Runtimes;

/// Sends signed requests to one server.
#[derive(Clone)]
pub(crate) struct Client {
    endpoint: Endpoint,
    region: Region,
    credentials: Credentials,
}

/// What to send.
struct Call {
    /// The signing name of the service.
    service: &'static str,
    method: Method,
    /// Path and query, encoded.
    target: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

/// What came back: an answer that is not an error.
struct Answer {
    headers: HeaderMap,
    body: Bytes,
}

impl Client {
    pub(crate) fn new(endpoint: Endpoint, region: Region, credentials: Credentials) -> Self {
        Self {
            endpoint,
            region,
            credentials,
        }
    }

    /// The account that this client's own resources are in, as far as the access key tells.
    pub(crate) fn account(&self) -> hearth_types::AccountId {
        hearth_types::AccountId::parse(&self.credentials.key.id).unwrap_or(hearth_types::AccountId::DEFAULT)
    }

    /// A function URL in the form whose host is the server's own, if it is not in that form.
    pub(crate) fn url_without_name(&self, url: &str) -> Option<String> {
        let (id, _) = url.strip_prefix("http://")?.split_once(".lambda-url.")?;
        Some(self.endpoint.url(&format!("{URL_PATH}{id}/")))
    }

    /// The runtimes that the server has interpreters for; empty if it does not say.
    pub(crate) async fn runtimes(&self) -> Result<Runtimes, ClientError> {
        #[derive(Default, serde::Deserialize)]
        struct Health {
            #[serde(default)]
            runtimes: BTreeMap<String, String>,
        }
        let request = Request::get(self.endpoint.url("/health")).body(Bytes::new());
        let response = self
            .endpoint
            .exchange(request.map_err(ClientError::request)?)
            .await?;
        let health: Health = serde_json::from_slice(response.body()).unwrap_or_default();
        let known = |(identifier, version): (String, String)| Some((identifier, version.parse().ok()?));
        Ok(health.runtimes.into_iter().filter_map(known).collect())
    }

    async fn call(&self, call: Call) -> Result<Answer, ClientError> {
        let (parts, body) = self.endpoint.exchange(self.sign(call)?).await?.into_parts();
        if parts.status.is_success() {
            Ok(Answer {
                headers: parts.headers,
                body,
            })
        } else {
            Err(ClientError::answered(parts.status, &parts.headers, &body))
        }
    }

    fn sign(&self, call: Call) -> Result<Request<Bytes>, ClientError> {
        let mut request = Request::builder()
            .method(call.method)
            .uri(self.endpoint.url(&call.target));
        let headers = request
            .headers_mut()
            .ok_or_else(|| ClientError::request("the target is not a URL"))?;
        headers.extend(call.headers);
        let (mut parts, body) = request
            .body(call.body)
            .map_err(ClientError::request)?
            .into_parts();
        let signer = Signer {
            key: &self.credentials.key,
            session_token: self.credentials.session_token.as_deref(),
            region: self.region.as_str(),
            service: call.service,
        };
        signer
            .sign(&mut parts, &body, SystemTime::now())
            .map_err(ClientError::request)?;
        Ok(Request::from_parts(parts, body))
    }
}

impl Answer {
    fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body).map_err(|error| ClientError::Unexpected(error.to_string()))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
