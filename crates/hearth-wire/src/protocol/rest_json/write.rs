//! Answers and errors in rest-json.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};

use super::header_list::quoted;
use crate::error::Fault;
use crate::model::{Kind, Location, Member, ServiceModel, Shape, TimeFormat};
use crate::protocol::{answer, status, text};
use crate::{AwsError, Body, CommonError};

const CONTENT_TYPE: &str = "application/json";

/// Writes an answer; the status is 200 unless a member says otherwise.
pub(in crate::protocol) fn write(shape: Option<&Shape>, tree: Value) -> Result<Response<Body>, AwsError> {
    let (Some(shape), Value::Object(mut tree)) = (shape, tree) else {
        return Ok(Response::default());
    };
    let mut head = Response::new(());
    for member in shape.members() {
        if member.location != Location::Body
            && let Some(value) = tree.remove(member.key)
        {
            write_bound(member, value, &mut head)?;
        }
    }
    let mut response = match head.status() {
        // Such an answer has no body, not even an empty object.
        StatusCode::NO_CONTENT => Response::default(),
        _ => write_body(shape, tree)?,
    };
    response.headers_mut().extend(std::mem::take(head.headers_mut()));
    *response.status_mut() = head.status();
    Ok(response)
}

fn write_bound(member: &Member, value: Value, head: &mut Response<()>) -> Result<(), AwsError> {
    let headers = head.headers_mut();
    match (member.location, &value) {
        (Location::StatusCode, _) => {
            let code = value.as_u64().and_then(|code| u16::try_from(code).ok());
            *head.status_mut() = status(code.unwrap_or(200));
        }
        (Location::Header(name), Value::Array(items)) => {
            let texts = items.iter().map(|item| match header_text(member, item) {
                text if item.is_string() => quoted(text),
                date_or_number => date_or_number,
            });
            let texts: Vec<String> = texts.collect();
            insert_header(headers, name, &texts.join(", "))?;
        }
        (Location::Header(name), _) => insert_header(headers, name, &header_text(member, &value))?,
        (Location::Headers(prefix), Value::Object(entries)) => {
            for (key, value) in entries {
                insert_header(headers, &format!("{prefix}{key}"), &header_text(member, value))?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn header_text(member: &Member, value: &Value) -> String {
    let shape = match member.shape.kind {
        Kind::List(item) => item,
        _ => member.shape,
    };
    let format = member
        .time_format
        .or(shape.time_format)
        .unwrap_or(TimeFormat::HttpDate);
    text::write(shape, format, value)
}

fn insert_header(headers: &mut HeaderMap, name: &str, text: &str) -> Result<(), AwsError> {
    let name_and_value = HeaderName::from_bytes(name.as_bytes())
        .ok()
        .zip(HeaderValue::from_str(text).ok());
    let (name, value) = name_and_value.ok_or_else(|| {
        AwsError::common(
            CommonError::Internal,
            format!("The answer's header {name} cannot be written"),
        )
    })?;
    headers.insert(name, value);
    Ok(())
}

fn write_body(shape: &Shape, mut tree: Map<String, Value>) -> Result<Response<Body>, AwsError> {
    let Some(payload) = shape.payload_member() else {
        return Ok(answer(CONTENT_TYPE, Value::Object(tree).to_string()));
    };
    match (&payload.shape.kind, tree.remove(payload.key)) {
        (_, None) => Ok(Response::default()),
        (Kind::Blob, Some(Value::String(text))) => {
            let bytes = STANDARD.decode(text).map_err(|error| {
                AwsError::common(
                    CommonError::Internal,
                    format!("The answer is not base64: {error}"),
                )
            })?;
            Ok(answer("application/octet-stream", bytes))
        }
        (Kind::String, Some(Value::String(text))) => Ok(answer("text/plain", text)),
        (_, Some(value)) => Ok(answer(CONTENT_TYPE, value.to_string())),
    }
}

/// Writes an error. The service's model decides how the members are spelled.
pub(in crate::protocol) fn write_error(service: Option<&ServiceModel>, error: &AwsError) -> Response<Body> {
    let model = service.and_then(|service| service.error(&error.code));
    let mut members = Map::new();
    for (name, value) in &error.members {
        members.insert((*name).to_owned(), value.clone());
    }
    if model.is_some_and(|model| model.typed) {
        let fault = if error.fault() == Fault::Sender {
            "User"
        } else {
            "Service"
        };
        members.insert("Type".to_owned(), fault.into());
    }
    let message = model.map_or("message", |model| model.message);
    members.insert(message.to_owned(), error.message.as_str().into());
    let mut response = answer(CONTENT_TYPE, Value::Object(members).to_string());
    if let Ok(code) = HeaderValue::from_str(&error.code) {
        response.headers_mut().insert("x-amzn-errortype", code);
    }
    response
}
