//! Smithy's RPC v2 with CBOR: the whole output and errors as CBOR. The input is the body itself.

use http::{HeaderValue, Response};
use serde_json::{Map, Value};

use super::{answer, cbor};
use crate::model::{ServiceModel, Shape};
use crate::{AwsError, Body};

const CONTENT_TYPE: &str = "application/cbor";
/// The header that says which protocol is spoken, and its value here.
pub(crate) const PROTOCOL: (&str, &str) = ("smithy-protocol", "rpc-v2-cbor");

/// Writes an answer. Operations without an output answer an empty body.
pub(super) fn write(shape: Option<&Shape>, tree: &Value) -> Result<Response<Body>, AwsError> {
    let Some(shape) = shape else {
        return Ok(marked(Response::default()));
    };
    let mut body = Vec::new();
    cbor::write(&mut body, shape, tree)?;
    Ok(marked(answer(CONTENT_TYPE, body)))
}

/// Writes an error. Its type has the namespace that the service's models have at AWS.
pub(super) fn write_error(service: Option<&ServiceModel>, error: &AwsError) -> Response<Body> {
    let model = service.and_then(|service| service.error(&error.code));
    let shape = model.map_or(&*error.code, |model| model.shape);
    let kind = service.map_or_else(
        || shape.to_owned(),
        |service| format!("com.amazonaws.{}#{shape}", service.name),
    );
    let message = model.map_or("message", |model| model.message);
    let mut members = Map::new();
    members.insert("__type".to_owned(), kind.into());
    members.insert(message.to_owned(), Value::from(&*error.message));
    members.extend(
        error
            .members
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone())),
    );
    let mut body = Vec::new();
    cbor::write_untyped(&mut body, &Value::Object(members));
    marked(answer(CONTENT_TYPE, body))
}

fn marked(mut response: Response<Body>) -> Response<Body> {
    let (name, value) = PROTOCOL;
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    response
}
