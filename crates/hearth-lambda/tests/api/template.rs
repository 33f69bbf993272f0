//! The shorthands of case files; `cases/lambda/README.md` describes them.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::support::zip::zip;

/// Reads a file of a case, `<a*65>` standing for 65 times `a`.
pub(crate) fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut parts = text.split('<');
    let mut expanded = parts.next().unwrap().to_owned();
    for part in parts {
        let repeated = part
            .split_once('>')
            .and_then(|(inside, rest)| Some((repeat(inside)?, rest)));
        match repeated {
            Some((repeated, rest)) => expanded.extend([&repeated, rest]),
            None => expanded.extend(["<", part]),
        }
    }
    serde_json::from_str(&expanded).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn repeat(inside: &str) -> Option<String> {
    let (what, times) = inside.split_once('*')?;
    Some(what.repeat(times.parse().ok()?))
}

/// What shorthands refer to.
pub(crate) struct Template<'a> {
    /// Named objects for `$like`.
    pub(crate) shapes: &'a Value,
    /// The answers so far for `$answer`.
    pub(crate) answers: Vec<Value>,
}

impl Template<'_> {
    /// Replaces every shorthand in a value.
    pub(crate) fn fill(&self, value: &Value) -> Value {
        match value {
            Value::Object(object) => self.fill_object(object),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            other => other.clone(),
        }
    }

    fn fill_object(&self, object: &Map<String, Value>) -> Value {
        if let Some(files) = object.get("$zip") {
            return STANDARD.encode(archive(files)).into();
        }
        if let Some(count) = object.get("$bytes") {
            return STANDARD.encode(vec![0; count.as_u64().unwrap() as usize]).into();
        }
        if let Some(place) = object.get("$answer") {
            let answer = &self.answers[place[0].as_u64().unwrap() as usize];
            return answer
                .pointer(place[1].as_str().unwrap())
                .expect("the answer has this part")
                .clone();
        }
        let mut filled = match object.get("$like") {
            Some(name) => self.fill(&self.shapes[name.as_str().unwrap()]),
            None => Value::Object(Map::new()),
        };
        for (key, value) in object.iter().filter(|(key, _)| *key != "$like") {
            filled[key] = self.fill(value);
        }
        filled
    }
}

fn archive(files: &Value) -> Vec<u8> {
    let files = files.as_object().unwrap();
    zip(files
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_str().unwrap().as_bytes())))
}
