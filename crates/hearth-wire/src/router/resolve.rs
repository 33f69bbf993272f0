//! Which operation a request is for: by `X-Amz-Target`, by `Action`, or by method and path.

use bytes::Bytes;
use http::request::Parts;
use http::{Method, header};

use super::Router;
use super::entity::Entity;
use super::paths::Labels;
use crate::model::{OperationModel, Protocol};
use crate::uri::parse_query;
use crate::{AwsError, CommonError};

/// The largest form, in bytes.
const LARGEST_FORM: u64 = 1024 * 1024;

/// The operation of a request.
pub(super) struct Route {
    pub(super) service: usize,
    pub(super) operation: &'static OperationModel,
    pub(super) labels: Labels,
    pub(super) query: Vec<(String, String)>,
}

/// A request without an operation: the error, and the protocol its sender seems to speak.
pub(super) struct Unresolved {
    pub(super) protocol: Protocol,
    pub(super) error: AwsError,
}

impl Router {
    /// Finds the operation of a request. A form is read for that.
    pub(super) async fn resolve<B>(&self, parts: &Parts, entity: &mut Entity<B>) -> Result<Route, Unresolved>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: std::error::Error,
    {
        if let Some(target) = parts.headers.get("x-amz-target") {
            let target = String::from_utf8_lossy(target.as_bytes());
            return self.by_target(&target).ok_or_else(|| {
                let protocol = Protocol::AwsJson {
                    version: "1.1",
                    target_prefix: "",
                };
                unknown(protocol, format!("No operation has the target {target}"))
            });
        }
        let refuse = |protocol| move |error| Unresolved { protocol, error };
        let query = parse_query(parts.uri.query().unwrap_or_default()).map_err(refuse(Protocol::RestJson))?;
        if parts.uri.path() == "/" && (is_form(parts) || pair(&query, "Action").is_some()) {
            let protocol = Protocol::Query { namespace: "" };
            let form = match is_form(parts) {
                true => entity
                    .read_form(LARGEST_FORM, &self.memory)
                    .await
                    .map_err(refuse(protocol))?,
                false => Vec::new(),
            };
            return self.by_action(query, &form);
        }
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        let found = self
            .paths
            .find(method, path, &query)
            .map_err(refuse(Protocol::RestJson))?;
        match found {
            Some(found) => {
                let (service, operation, labels) = (found.service, found.operation, found.labels);
                Ok(Route {
                    service,
                    operation,
                    labels,
                    query,
                })
            }
            None => Err(unknown(
                Protocol::RestJson,
                format!("No operation has the path {method} {path}"),
            )),
        }
    }

    fn by_target(&self, target: &str) -> Option<Route> {
        let (wanted, name) = target.rsplit_once('.')?;
        let service = self.services.iter().position(|service| {
            matches!(service.model.protocol, Protocol::AwsJson { target_prefix, .. } if target_prefix == wanted)
        })?;
        let operation = self.services[service].model.operation(name)?;
        Some(Route {
            service,
            operation,
            labels: Vec::new(),
            query: Vec::new(),
        })
    }

    fn by_action(
        &self,
        query: Vec<(String, String)>,
        form: &[(String, String)],
    ) -> Result<Route, Unresolved> {
        let find = |name| {
            pair(form, name)
                .or_else(|| pair(&query, name))
                .unwrap_or_default()
        };
        let (action, version) = (find("Action"), find("Version"));
        let found = self.services.iter().enumerate().find_map(|(service, candidate)| {
            let model = candidate.model;
            let speaks_it = matches!(model.protocol, Protocol::Query { .. });
            let operation = model
                .operation(action)
                .filter(|_| speaks_it && model.version == version)?;
            Some((service, operation))
        });
        let Some((service, operation)) = found else {
            let message = format!("Could not find operation {action} for version {version}");
            return Err(unknown(Protocol::Query { namespace: "" }, message));
        };
        Ok(Route {
            service,
            operation,
            labels: Vec::new(),
            query,
        })
    }
}

fn unknown(protocol: Protocol, message: String) -> Unresolved {
    Unresolved {
        protocol,
        error: AwsError::common(CommonError::UnknownOperation, message),
    }
}

fn is_form(parts: &Parts) -> bool {
    let content_type = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    parts.method == Method::POST
        && content_type.is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"))
}

fn pair<'a>(pairs: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(name, _)| name == wanted)
        .map(|(_, value)| value.as_str())
}
