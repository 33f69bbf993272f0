//! JSON bodies, read along a shape: what the model does not know costs no memory.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::model::{Kind, Shape};
use crate::{AwsError, CommonError};

/// Most values in one body. It bounds the memory that a body of many tiny values takes.
pub(super) const MOST_VALUES: u32 = 200_000;

/// Parses a body into the tree of a shape; an empty one is an empty object. Members that the shape
/// does not have are skipped. Values of another type than the shape's are kept as far as it takes to
/// say so, without their parts.
pub(super) fn parse(shape: &Shape, body: &[u8]) -> Result<Value, AwsError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    let left = Cell::new(MOST_VALUES);
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let tree = Along {
        shape: Some(shape),
        left: &left,
    }
    .deserialize(&mut deserializer);
    tree.and_then(|tree| deserializer.end().map(|()| tree))
        .map_err(|error| {
            let message = format!("Could not parse request body into json: {error}");
            AwsError::common(CommonError::Serialization, message)
        })
}

/// Reads a value along a shape; `None` keeps no parts.
#[derive(Clone, Copy)]
struct Along<'a> {
    shape: Option<&'a Shape>,
    left: &'a Cell<u32>,
}

impl<'a> Along<'a> {
    fn part(self, shape: &'a Shape) -> Self {
        Self {
            shape: Some(shape),
            ..self
        }
    }

    fn count<E: Error>(self) -> Result<(), E> {
        let left = self
            .left
            .get()
            .checked_sub(1)
            .ok_or_else(|| E::custom("too many values"))?;
        self.left.set(left);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Along<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Along<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        if let Some(Kind::List(item)) = self.shape.map(|shape| &shape.kind) {
            while let Some(value) = items.next_element_seed(self.part(item))? {
                kept.push(value);
            }
        } else {
            while items.next_element::<IgnoredAny>()?.is_some() {}
        }
        Ok(Value::Array(kept))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let part = match self.shape.map(|shape| &shape.kind) {
                Some(Kind::Structure { members, .. }) => members
                    .iter()
                    .find(|member| member.key == key)
                    .map(|member| member.shape),
                Some(Kind::Map(_, value)) => Some(*value),
                _ => None,
            };
            match part {
                Some(part) => drop(kept.insert(key, entries.next_value_seed(self.part(part))?)),
                None => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Value::Object(kept))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::lambda;
    use crate::model::OperationModel;

    fn create_function() -> &'static Shape {
        let operation: &OperationModel = lambda::MODEL.operation("CreateFunction").unwrap();
        operation.shapes.as_ref().unwrap().input.unwrap()
    }

    #[test]
    fn unknown_members_and_parts_of_wrong_types_are_not_kept() {
        let body =
            br#"{"FunctionName":"f","Nope":{"a":[1]},"Layers":{"a":1},"Timeout":[1],"Tags":{"k":"v"}}"#;
        let expected = json!({"FunctionName": "f", "Layers": {}, "Timeout": [], "Tags": {"k": "v"}});
        assert_eq!(parse(create_function(), body).unwrap(), expected);
    }

    #[test]
    fn a_body_of_too_many_values_is_refused() {
        let layers = vec!["\"\""; MOST_VALUES as usize].join(",");
        let error = parse(create_function(), format!("{{\"Layers\":[{layers}]}}").as_bytes()).unwrap_err();
        assert!(error.message.contains("too many values"), "{error}");
    }

    #[test]
    fn broken_bodies_are_refused_and_deep_ones_do_no_harm() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for body in ["{", "{} x", "nan"] {
            let error = parse(create_function(), body.as_bytes()).unwrap_err();
            assert_eq!(error.code, "SerializationException");
        }
        assert_eq!(parse(create_function(), deep.as_bytes()).unwrap(), json!([]));
        let unknown = format!("{{\"Nope\":{deep}}}");
        assert_eq!(parse(create_function(), unknown.as_bytes()).unwrap(), json!({}));
        assert_eq!(parse(create_function(), b" \n").unwrap(), json!({}));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(create_function(), &body);
        }
    }
}
