//! rest-json: members in path, query, headers and a JSON body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};

use super::{answer, json, status, text};
use crate::error::Fault;
use crate::model::{Kind, Location, Member, ServiceModel, Shape, TimeFormat};
use crate::request::RawRequest;
use crate::{AwsError, Body, CommonError};

const CONTENT_TYPE: &str = "application/json";

/// Reads a request.
pub(super) fn read(shape: &Shape, request: RawRequest) -> Result<Value, AwsError> {
    let mut tree = read_body(shape, &request)?;
    for member in shape.members() {
        let bound = match member.location {
            Location::Body => continue,
            Location::Label(name) => one(member, request.label(name))?,
            Location::Query(name) => read_query(member, name, &request)?,
            Location::Header(name) => read_header(member, name, &request.headers)?,
            Location::Headers(prefix) => read_headers(prefix, &request.headers),
            Location::StatusCode => None,
        };
        match bound {
            Some(value) => tree.insert(member.key.to_owned(), value),
            None => tree.remove(member.key),
        };
    }
    Ok(Value::Object(tree))
}

fn read_body(shape: &Shape, request: &RawRequest) -> Result<Map<String, Value>, AwsError> {
    if let Some(payload) = shape.payload_member() {
        let value = match payload.shape.kind {
            _ if request.body.is_empty() => return Ok(Map::new()),
            Kind::Blob => Value::String(STANDARD.encode(&request.body)),
            Kind::String => Value::String(String::from_utf8_lossy(&request.body).into_owned()),
            _ => json::parse(payload.shape, &request.body)?,
        };
        return Ok(Map::from_iter([(payload.key.to_owned(), value)]));
    }
    if shape
        .members()
        .iter()
        .all(|member| member.location != Location::Body)
    {
        return Ok(Map::new());
    }
    match json::parse(shape, &request.body)? {
        Value::Object(members) => Ok(members),
        _ => Err(AwsError::common(
            CommonError::Serialization,
            "Unexpected field type",
        )),
    }
}

fn one(member: &Member, text: Option<&str>) -> Result<Option<Value>, AwsError> {
    text.map(|text| text::read(member.shape, format_of(member, TimeFormat::Iso8601), text))
        .transpose()
}

/// The format that a member's times have, unless neither it nor its shape names one.
fn format_of(member: &Member, otherwise: TimeFormat) -> Option<TimeFormat> {
    member
        .time_format
        .or(member.shape.time_format)
        .or(Some(otherwise))
}

fn read_query(member: &Member, name: &str, request: &RawRequest) -> Result<Option<Value>, AwsError> {
    match member.shape.kind {
        Kind::List(item) => {
            let format = item.time_format.or(Some(TimeFormat::Iso8601));
            let texts = request.query.iter().filter(|(parameter, _)| parameter == name);
            let items: Vec<Value> = texts
                .map(|(_, text)| text::read(item, format, text))
                .collect::<Result<_, _>>()?;
            Ok((!items.is_empty()).then_some(Value::Array(items)))
        }
        Kind::Map(_, value) => Ok(Some(whole_query(value, &request.query))),
        _ => one(member, request.query(name)),
    }
}

/// All query parameters, those that other members take as well.
fn whole_query(value: &Shape, query: &[(String, String)]) -> Value {
    let mut map = Map::new();
    for (name, text) in query {
        let text = Value::from(text.as_str());
        if matches!(value.kind, Kind::List(_)) {
            let items = map
                .entry(name.as_str())
                .or_insert_with(|| Value::Array(Vec::new()));
            items.as_array_mut().expect("only arrays are put here").push(text);
        } else {
            map.entry(name.as_str()).or_insert(text);
        }
    }
    Value::Object(map)
}

fn read_header(member: &Member, name: &str, headers: &HeaderMap) -> Result<Option<Value>, AwsError> {
    let texts: Vec<&str> = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    if texts.is_empty() {
        return Ok(None);
    }
    let text = texts.join(",");
    let Kind::List(item) = member.shape.kind else {
        let format = format_of(member, TimeFormat::HttpDate);
        return text::read(member.shape, format, &text).map(Some);
    };
    let format = item.time_format.or(Some(TimeFormat::HttpDate));
    let dates = matches!(item.kind, Kind::Timestamp) && format == Some(TimeFormat::HttpDate);
    let items = split_list(&text, dates);
    let items = items.iter().map(|item_text| text::read(item, format, item_text));
    items
        .collect::<Result<_, _>>()
        .map(|items| Some(Value::Array(items)))
}

/// Splits a header's list at commas outside quotes; a date contains one comma of its own.
fn split_list(text: &str, dates: bool) -> Vec<String> {
    let mut items = vec![String::new()];
    let (mut quoted, mut escaped, mut commas) = (false, false, 0);
    for letter in text.chars() {
        let item = items.last_mut().expect("there is always an item");
        match letter {
            _ if escaped => {
                item.push(letter);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                commas += 1;
                if dates && commas % 2 == 1 {
                    item.push(letter);
                } else {
                    items.push(String::new());
                }
            }
            _ => item.push(letter),
        }
    }
    items.into_iter().map(|item| item.trim().to_owned()).collect()
}

fn read_headers(prefix: &str, headers: &HeaderMap) -> Option<Value> {
    let prefix = prefix.to_ascii_lowercase();
    let entries = headers.iter().filter_map(|(name, value)| {
        let key = name.as_str().strip_prefix(&prefix)?;
        Some((key.to_owned(), Value::from(value.to_str().ok()?)))
    });
    let map: Map<String, Value> = entries.collect();
    (!map.is_empty()).then_some(Value::Object(map))
}

/// Writes an answer; the status is 200 unless a member says otherwise.
pub(super) fn write(shape: Option<&Shape>, tree: Value) -> Result<Response<Body>, AwsError> {
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
            let texts: Vec<String> = items.iter().map(|item| list_item(member, item)).collect();
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

/// An item of a header's list. Items that would not survive the splitting are quoted; dates have
/// their comma without quotes.
fn list_item(member: &Member, value: &Value) -> String {
    let text = header_text(member, value);
    if value.is_string() && text.contains([',', '"']) {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    text
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
    let unwritable = |_| {
        let message = format!("The answer's header {name} cannot be written");
        AwsError::common(CommonError::Internal, message)
    };
    let value = HeaderValue::from_str(text).map_err(|_| ()).map_err(unwritable)?;
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| ())
        .map_err(unwritable)?;
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
pub(super) fn write_error(service: Option<&ServiceModel>, error: &AwsError) -> Response<Body> {
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
