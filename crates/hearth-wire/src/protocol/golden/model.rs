//! A case's model as tables. They are leaked: tables live as long as the program.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::model::{Kind, Member, OperationModel, Protocol, ServiceModel, Shape, TimeFormat};

/// The service of one case, with its operation only.
pub(super) struct Suite {
    pub(super) service: &'static ServiceModel,
}

/// How deep recursive shapes are written out.
const DEPTH: usize = 9;

pub(super) fn leaked(suite: &Value, case: &Value, protocol: Protocol) -> Suite {
    let given = &case["given"];
    let http = &given["http"];
    let shape_of = |part: &Value| {
        part["shape"]
            .as_str()
            .map(|name| shape(&suite["shapes"], name, DEPTH))
    };
    let (input, output) = (shape_of(&given["input"]), shape_of(&given["output"]));
    let name = text(&given["name"]);
    let mut operation = OperationModel::new(name, text(&http["method"]), text(&http["requestUri"]))
        .implemented(input, output)
        .status(http["responseCode"].as_u64().unwrap_or(200) as u16);
    if protocol
        == (Protocol::Query {
            namespace: "https://example.com/",
        })
    {
        operation = operation.wrapped(leak(format!("{name}Result")).as_str());
    }
    let service = ServiceModel {
        name: "golden",
        signing_name: "golden",
        version: text(&suite["metadata"]["apiVersion"]),
        protocols: std::slice::from_ref(leak(protocol)),
        query_compatible: false,
        validation_error: "ValidationException",
        operations: std::slice::from_ref(leak(operation)),
        errors: &[],
    };
    Suite {
        service: leak(service),
    }
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn text(value: &Value) -> &'static str {
    leak(value.as_str().unwrap_or_default().to_owned())
}

fn shape(shapes: &Value, name: &str, depth: usize) -> &'static Shape {
    let model = &shapes[name];
    let part = |part: &str| shape(shapes, model[part]["shape"].as_str().unwrap(), depth - 1);
    let name = text(&Value::from(name));
    let mut shape = match model["type"].as_str().unwrap() {
        "structure" if depth == 0 => Shape::structure(name, &[]),
        "structure" => Shape::structure(name, members(shapes, model, depth)),
        "list" if depth == 0 => Shape::string(name),
        "list" => Shape::list(name, part("member")),
        "map" if depth == 0 => Shape::string(name),
        "map" => Shape::map(name, part("key"), part("value")),
        "integer" => Shape::integer(name),
        "long" => Shape::long(name),
        "float" | "double" => Shape::double(name),
        "boolean" => Shape::boolean(name),
        "blob" => Shape::blob(name),
        "timestamp" => Shape::timestamp(name),
        _ => Shape::string(name),
    };
    if let Some(format) = time_format(model) {
        shape = shape.time_format(format);
    }
    if model["payload"].is_string() {
        shape = shape.payload(text(&model["payload"]));
    }
    leak(shape)
}

fn members(shapes: &Value, model: &Value, depth: usize) -> &'static [Member] {
    let members = model["members"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, reference)| {
            let target = shape(shapes, reference["shape"].as_str().unwrap(), depth - 1);
            let mut member = Member::new(text(&Value::from(name.as_str())), target);
            let wire_name = text(&reference["locationName"]);
            member = match reference["location"].as_str() {
                None if wire_name.is_empty() => member,
                None => member.key(wire_name),
                Some("uri") => member.label(wire_name),
                Some("querystring") => member.query(wire_name),
                Some("header") => member.header(wire_name),
                Some("headers") => member.headers(wire_name),
                Some(_) => member.status_code(),
            };
            match time_format(reference) {
                Some(format) => member.time_format(format),
                None => member,
            }
        });
    leak(members.collect::<Vec<_>>())
}

fn time_format(model: &Value) -> Option<TimeFormat> {
    match model["timestampFormat"].as_str()? {
        "iso8601" => Some(TimeFormat::Iso8601),
        "rfc822" => Some(TimeFormat::HttpDate),
        _ => Some(TimeFormat::UnixSeconds),
    }
}

/// A case's parameters or result as the tree that the protocols exchange with the structures.
pub(super) fn tree(shape: &Shape, value: &Value) -> Value {
    match (&shape.kind, value) {
        (Kind::Structure { members, .. }, _) => {
            let present = members.iter().filter_map(|member| {
                let value = value.get(member.name).filter(|value| !value.is_null())?;
                Some((member.key.to_owned(), tree(member.shape, value)))
            });
            Value::Object(present.collect())
        }
        (Kind::List(item), Value::Array(items)) => items.iter().map(|each| tree(item, each)).collect(),
        (Kind::Map(_, item), Value::Object(entries)) => Value::Object(
            entries
                .iter()
                .map(|(key, each)| (key.clone(), tree(item, each)))
                .collect(),
        ),
        (Kind::Blob, Value::String(text)) => Value::from(STANDARD.encode(text)),
        _ => value.clone(),
    }
}

/// The same with all numbers as floating-point ones and without the empty lists and maps that the
/// cases do not tell from absent ones.
pub(super) fn comparable(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.into_iter().map(comparable).collect(),
        Value::Object(entries) => {
            let entries = entries.into_iter().map(|(key, value)| (key, comparable(value)));
            let is_empty = |value: &Value| {
                value.is_null() || *value == json!([]) || *value == json!({}) || *value == json!([""])
            };
            Value::Object(
                entries
                    .filter(|(_, value)| !is_empty(value))
                    .collect::<Map<_, _>>(),
            )
        }
        Value::Null => json!({}),
        other => other,
    }
}
