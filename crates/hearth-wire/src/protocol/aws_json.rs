//! awsJson 1.0 and 1.1: the whole output and errors as JSON. The input is the JSON body itself.

use http::Response;
use serde_json::{Map, Value};

use super::answer;
use crate::model::{ServiceModel, Shape};
use crate::{AwsError, Body};

/// Writes an answer. Operations without an output answer an empty body.
pub(super) fn write(version: &str, shape: Option<&Shape>, tree: Value) -> Response<Body> {
    let body = if shape.is_some() {
        tree.to_string()
    } else {
        String::new()
    };
    answer(content_type(version), body)
}

/// Writes an error.
pub(super) fn write_error(version: &str, service: Option<&ServiceModel>, error: &AwsError) -> Response<Body> {
    let model = service.and_then(|service| service.error(&error.code));
    let kind = model.map_or(&*error.code, |model| model.shape);
    let mut members = Map::new();
    members.insert("__type".to_owned(), kind.into());
    members.insert("message".to_owned(), Value::from(&*error.message));
    members.extend(
        error
            .members
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone())),
    );
    answer(content_type(version), Value::Object(members).to_string())
}

fn content_type(version: &str) -> &'static str {
    if version == "1.0" {
        "application/x-amz-json-1.0"
    } else {
        "application/x-amz-json-1.1"
    }
}
