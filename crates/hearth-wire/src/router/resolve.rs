//! Which operation a request is for: by `X-Amz-Target`, by `Action`, or by method and path, and in which protocol.

use http::request::Parts;
use http::{Method, header};

use super::Router;
use super::entity::{Entity, Memory, RequestBody, SMALL};
use super::paths::Labels;
use crate::model::{OperationModel, Protocol};
use crate::protocol::RPC_CBOR;
use crate::uri::parse_query;
use crate::{AwsError, CommonError};

/// The largest form, in bytes: it takes no memory that counts, since it is read before its sender is known.
const LARGEST_FORM: u64 = SMALL;

/// The operation of a request.
pub(super) struct Route {
    pub(super) service: usize,
    pub(super) protocol: Protocol,
    pub(super) operation: &'static OperationModel,
    pub(super) labels: Labels,
    pub(super) query: Vec<(String, String)>,
}

/// The protocol that the sender of a request seems to speak, whatever the request is for.
pub(super) fn spoken(parts: &Parts) -> Protocol {
    let (name, value) = RPC_CBOR;
    if parts.headers.get(name).is_some_and(|spoken| spoken == value) {
        Protocol::RpcCbor { service: "" }
    } else if parts.headers.contains_key("x-amz-target") {
        Protocol::AwsJson {
            version: "1.1",
            target_prefix: "",
        }
    } else if parts.uri.path() == "/" && (is_form(parts) || has_action(parts)) {
        Protocol::Query { namespace: "" }
    } else {
        Protocol::RestJson
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

fn has_action(parts: &Parts) -> bool {
    let mut pairs = parts.uri.query().unwrap_or_default().split('&');
    pairs.any(|pair| pair.starts_with("Action="))
}

impl Router {
    /// Finds the operation of a request. A form is read for that.
    pub(super) async fn resolve<B: RequestBody>(
        &self,
        parts: &Parts,
        entity: &mut Entity<B>,
        memory: &Memory,
    ) -> Result<Route, AwsError> {
        match spoken(parts) {
            Protocol::AwsJson { .. } => self.by_target(parts),
            Protocol::Query { .. } => {
                let query = parse_query(parts.uri.query().unwrap_or_default())?;
                let form = match is_form(parts) {
                    true => entity.read_form(LARGEST_FORM, memory).await?,
                    false => Vec::new(),
                };
                self.by_action(query, &form)
            }
            Protocol::RpcCbor { .. } => self.by_rpc(parts),
            Protocol::RestJson => self.by_path(parts),
        }
    }

    fn by_target(&self, parts: &Parts) -> Result<Route, AwsError> {
        let target = parts
            .headers
            .get("x-amz-target")
            .and_then(|target| target.to_str().ok());
        let target = target.unwrap_or_default();
        let (wanted, name) = target.rsplit_once('.').unwrap_or_default();
        let speaks_it = |protocol: &Protocol| matches!(protocol, Protocol::AwsJson { target_prefix, .. } if *target_prefix == wanted);
        self.by_name(name, speaks_it)
            .ok_or_else(|| unknown(format!("No operation has the target {target:?}")))
    }

    fn by_rpc(&self, parts: &Parts) -> Result<Route, AwsError> {
        let path = parts.uri.path();
        let named = path
            .strip_prefix("/service/")
            .and_then(|rest| rest.split_once("/operation/"))
            .filter(|_| parts.method == Method::POST);
        let (wanted, name) = named.unwrap_or_default();
        let speaks_it =
            |protocol: &Protocol| matches!(protocol, Protocol::RpcCbor { service } if *service == wanted);
        self.by_name(name, speaks_it)
            .ok_or_else(|| unknown(format!("No operation has the path {} {path}", parts.method)))
    }

    /// The operation of this name of the service that speaks a protocol.
    fn by_name(&self, name: &str, speaks_it: impl Fn(&Protocol) -> bool) -> Option<Route> {
        let mut services = self.services.iter().enumerate();
        let (service, protocol) = services
            .find_map(|(service, candidate)| Some((service, candidate.model.protocol(&speaks_it)?)))?;
        Some(Route {
            service,
            protocol,
            operation: self.services[service].model.operation(name)?,
            labels: Vec::new(),
            query: Vec::new(),
        })
    }

    fn by_action(&self, query: Vec<(String, String)>, form: &[(String, String)]) -> Result<Route, AwsError> {
        let find = |wanted| {
            let mut pairs = form.iter().chain(&query);
            pairs
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.clone())
        };
        let action = find("Action").unwrap_or_default();
        let version = find("Version").unwrap_or_default();
        let found = self.services.iter().enumerate().find_map(|(service, candidate)| {
            let model = candidate.model;
            let protocol = model.protocol(|protocol| matches!(protocol, Protocol::Query { .. }))?;
            let operation = model.operation(&action).filter(|_| model.version == version)?;
            Some((service, protocol, operation))
        });
        let (service, protocol, operation) = found
            .ok_or_else(|| unknown(format!("Could not find operation {action} for version {version}")))?;
        Ok(Route {
            service,
            protocol,
            operation,
            labels: Vec::new(),
            query,
        })
    }

    fn by_path(&self, parts: &Parts) -> Result<Route, AwsError> {
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        let query = parse_query(parts.uri.query().unwrap_or_default())?;
        let found = self.paths.find(method, path, &query)?;
        let found = found.ok_or_else(|| unknown(format!("No operation has the path {method} {path}")))?;
        Ok(Route {
            service: found.service,
            protocol: Protocol::RestJson,
            operation: found.operation,
            labels: found.labels,
            query,
        })
    }
}

fn unknown(message: String) -> AwsError {
    AwsError::common(CommonError::UnknownOperation, message)
}
