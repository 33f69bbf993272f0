//! The query protocol: a form in, XML out.

use std::collections::BTreeMap;

use hearth_types::RequestId;
use http::Response;
use serde_json::{Map, Value};

use super::{answer, text};
use crate::model::{Kind, Member, OperationModel, Shape, TimeFormat};
use crate::request::RawRequest;
use crate::uri::parse_query;
use crate::{AwsError, Body, CommonError};

use super::xml::Xml;

const CONTENT_TYPE: &str = "text/xml";
/// Deepest nesting of a form's names, as of the JSON parser.
const DEEPEST: usize = 128;

/// Reads a form: the query of the URI and the body together.
pub(super) fn read(shape: &Shape, request: &RawRequest) -> Result<Value, AwsError> {
    let body = std::str::from_utf8(&request.body)
        .map_err(|_| AwsError::common(CommonError::Serialization, "The form is not UTF-8."))?;
    let mut form = Form::default();
    for (name, value) in request.query.iter().chain(&parse_query(body)?) {
        form.insert(name, value)?;
    }
    form.read(shape, None)
}

/// The pairs of a form as a tree: `a.b.1=x` is at `a`, `b`, `1`.
#[derive(Default)]
struct Form {
    text: Option<String>,
    parts: BTreeMap<String, Form>,
}

impl Form {
    fn insert(&mut self, name: &str, value: &str) -> Result<(), AwsError> {
        let mut form = self;
        for (depth, part) in name.split('.').enumerate() {
            if depth == DEEPEST {
                return Err(AwsError::common(
                    CommonError::Serialization,
                    "The form is too deep.",
                ));
            }
            form = form.parts.entry(part.to_owned()).or_default();
        }
        form.text = Some(value.to_owned());
        Ok(())
    }

    fn read(&self, shape: &Shape, format: Option<TimeFormat>) -> Result<Value, AwsError> {
        match shape.kind {
            Kind::Structure { members, .. } => self.structure(members),
            Kind::List(item) => self.list(item),
            Kind::Map(key, value) => self.map(key, value),
            _ => {
                let format = format.or(shape.time_format).or(Some(TimeFormat::Iso8601));
                text::read(shape, format, self.text.as_deref().unwrap_or_default())
            }
        }
    }

    fn structure(&self, members: &[Member]) -> Result<Value, AwsError> {
        let present = members
            .iter()
            .filter_map(|member| Some((member, self.parts.get(member.key)?)));
        let entries = present.map(|(member, form)| {
            Ok((
                member.key.to_owned(),
                form.read(member.shape, member.time_format)?,
            ))
        });
        entries.collect::<Result<Map<_, _>, _>>().map(Value::Object)
    }

    /// `name.member.1=…`. An empty list is `name=`.
    fn list(&self, item: &Shape) -> Result<Value, AwsError> {
        let items = self.numbered("member");
        items
            .into_iter()
            .map(|form| form.read(item, None))
            .collect::<Result<_, _>>()
            .map(Value::Array)
    }

    /// `name.entry.1.key=…&name.entry.1.value=…`.
    fn map(&self, key: &Shape, value: &Shape) -> Result<Value, AwsError> {
        let mut map = Map::new();
        for entry in self.numbered("entry") {
            if let (Some(name), Some(part)) = (entry.parts.get("key"), entry.parts.get("value"))
                && let Value::String(name) = name.read(key, None)?
            {
                map.insert(name, part.read(value, None)?);
            }
        }
        Ok(Value::Object(map))
    }

    /// The parts `name.1`, `name.2` …, in the order of their numbers.
    fn numbered(&self, name: &str) -> Vec<&Form> {
        let Some(Form { parts, .. }) = self.parts.get(name) else {
            return Vec::new();
        };
        let mut parts: Vec<(u32, &Form)> = parts
            .iter()
            .filter_map(|(name, form)| Some((name.parse().ok()?, form)))
            .collect();
        parts.sort_by_key(|(number, _)| *number);
        parts.into_iter().map(|(_, form)| form).collect()
    }
}

/// Writes an answer.
pub(super) fn write(
    namespace: &str,
    operation: &OperationModel,
    shape: Option<&Shape>,
    tree: &Value,
    request_id: RequestId,
) -> Response<Body> {
    let root = format!("{}Response", operation.name);
    let document = Xml::document(&root, namespace, |xml| {
        if let Some(shape) = shape {
            match operation.wrapper {
                Some(wrapper) => xml.element(wrapper, |xml| write_members(xml, shape, tree)),
                None => write_members(xml, shape, tree),
            }
        }
        xml.element("ResponseMetadata", |xml| {
            xml.text("RequestId", &request_id.to_string())
        });
    });
    answer(CONTENT_TYPE, document)
}

fn write_members(xml: &mut Xml, shape: &Shape, tree: &Value) {
    for member in shape.members() {
        if let Some(value) = tree.get(member.key).filter(|value| !value.is_null()) {
            write_value(xml, member.key, member.shape, member.time_format, value);
        }
    }
}

fn write_value(xml: &mut Xml, name: &str, shape: &Shape, format: Option<TimeFormat>, value: &Value) {
    match (&shape.kind, value) {
        (Kind::Structure { .. }, _) => xml.element(name, |xml| write_members(xml, shape, value)),
        (Kind::List(item), Value::Array(items)) => xml.element(name, |xml| {
            items
                .iter()
                .for_each(|value| write_value(xml, "member", item, None, value));
        }),
        (Kind::Map(_, item), Value::Object(entries)) => xml.element(name, |xml| {
            entries
                .iter()
                .for_each(|(key, value)| write_entry(xml, item, key, value));
        }),
        _ => {
            let format = format.or(shape.time_format).unwrap_or(TimeFormat::Iso8601);
            xml.text(name, &text::write(shape, format, value));
        }
    }
}

fn write_entry(xml: &mut Xml, shape: &Shape, key: &str, value: &Value) {
    xml.element("entry", |xml| {
        xml.text("key", key);
        write_value(xml, "value", shape, None, value);
    });
}

/// Writes an error, with the query protocol's names for the common ones.
pub(super) fn write_error(namespace: &str, error: &AwsError, request_id: RequestId) -> Response<Body> {
    let document = Xml::document("ErrorResponse", namespace, |xml| {
        xml.element("Error", |xml| {
            xml.text("Type", error.fault().as_str());
            xml.text("Code", CommonError::query_code(&error.code));
            xml.text("Message", &error.message);
        });
        xml.text("RequestId", &request_id.to_string());
    });
    answer(CONTENT_TYPE, document)
}
