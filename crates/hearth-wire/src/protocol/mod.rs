//! The wire protocols: from requests to trees, from trees and errors to answers.
//!
//! Between the wire and the Rust structures stands a JSON tree whose keys are
//! [`Member::key`](crate::model::Member::key): one validation and one set of structures serve every
//! protocol.

mod aws_json;
mod cbor;
#[cfg(test)]
mod golden;
mod json;
mod query;
mod rest_json;
mod rpc_cbor;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod xml;

use hearth_types::RequestId;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use crate::model::{OperationModel, Protocol, ServiceModel};
use crate::request::RawRequest;
use crate::validation::validate;
use crate::{AwsError, Body, CommonError};

pub(crate) use rpc_cbor::PROTOCOL as RPC_CBOR;

/// Reads a request in one of the service's protocols into a tree that fits the operation's input structure.
pub(crate) fn read(
    service: &ServiceModel,
    protocol: Protocol,
    operation: &OperationModel,
    request: RawRequest,
) -> Result<Value, AwsError> {
    let Some(shape) = operation.shapes.as_ref().and_then(|shapes| shapes.input) else {
        return Ok(Value::Null);
    };
    let mut tree = match protocol {
        Protocol::RestJson => rest_json::read(shape, request)?,
        Protocol::AwsJson { .. } => json::parse(shape, &request.body)?,
        Protocol::Query { .. } => query::read(shape, &request)?,
        Protocol::RpcCbor { .. } => cbor::parse(shape, &request.body)?,
    };
    validate(service, shape, &mut tree)?;
    Ok(tree)
}

/// Writes the answer to a successful request from the tree of its output structure.
pub(crate) fn write(
    protocol: Protocol,
    operation: &OperationModel,
    tree: Value,
    request_id: RequestId,
) -> Result<Response<Body>, AwsError> {
    let shape = operation.shapes.as_ref().and_then(|shapes| shapes.output);
    let mut response = match protocol {
        Protocol::RestJson => rest_json::write(shape, tree)?,
        Protocol::AwsJson { version, .. } => aws_json::write(version, shape, tree),
        Protocol::Query { namespace } => query::write(namespace, operation, shape, &tree, request_id),
        Protocol::RpcCbor { .. } => rpc_cbor::write(shape, &tree)?,
    };
    if response.status() == StatusCode::OK {
        *response.status_mut() = status(operation.status);
    }
    Ok(response)
}

/// Writes an error. `service` is `None` where no service could be found.
pub(crate) fn write_error(
    protocol: Protocol,
    service: Option<&ServiceModel>,
    error: AwsError,
    request_id: RequestId,
) -> Response<Body> {
    let response = match protocol {
        Protocol::RestJson => return write_rest_json_error(service, error),
        Protocol::AwsJson { version, .. } => aws_json::write_error(version, service, &error),
        Protocol::Query { namespace } => query::write_error(namespace, &error, request_id),
        Protocol::RpcCbor { .. } => rpc_cbor::write_error(service, &error),
    };
    let compatible = service.is_some_and(|service| service.query_compatible)
        && !matches!(protocol, Protocol::Query { .. });
    match compatible {
        true => with_status(with_query_code(response, &error), error),
        false => with_status(response, error),
    }
}

/// The answer with what the query protocol calls the error: clients of a service that spoke it alone once go by that.
fn with_query_code(mut response: Response<Body>, error: &AwsError) -> Response<Body> {
    let text = format!(
        "{};{}",
        CommonError::query_code(&error.code),
        error.fault().as_str()
    );
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().insert("x-amzn-query-error", value);
    }
    response
}

/// Writes an error as the rest-json protocol has it.
pub(crate) fn write_rest_json_error(service: Option<&ServiceModel>, error: AwsError) -> Response<Body> {
    with_status(rest_json::write_error(service, &error), error)
}

fn with_status(mut response: Response<Body>, error: AwsError) -> Response<Body> {
    *response.status_mut() = status(error.status);
    response
        .headers_mut()
        .extend(error.headers.into_iter().collect::<HeaderMap>());
    response
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// An answer with status 200 and a body of the given type.
fn answer(content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
