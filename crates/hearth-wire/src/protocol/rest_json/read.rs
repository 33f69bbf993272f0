//! Requests in rest-json.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::{Map, Value};

use super::header_list::split;
use crate::model::{Kind, Location, Member, Shape, TimeFormat};
use crate::protocol::{json, text};
use crate::request::RawRequest;
use crate::{AwsError, CommonError};

/// Reads a request.
pub(in crate::protocol) fn read(shape: &Shape, request: RawRequest) -> Result<Value, AwsError> {
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
    let items = split(&text, dates);
    let items = items.iter().map(|item_text| text::read(item, format, item_text));
    items
        .collect::<Result<_, _>>()
        .map(|items| Some(Value::Array(items)))
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
