//! AWS's sentences about broken constraints.

use std::fmt::{self, Display, Write as _};

use serde_json::Value;

use super::clause::clauses;
use crate::AwsError;
use crate::model::{Kind, ServiceModel, Shape};

/// Most sentences in one answer; further violations are counted only.
const MOST_SENTENCES: usize = 32;
/// Longest text of a value in a sentence, in characters.
const LONGEST_VALUE: usize = 4096;

/// Where in a request a value is, as AWS prints it: `vpcConfig.subnetIds`.
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    name: &'a str,
}

impl<'a> Path<'a> {
    /// The request itself.
    pub(super) const ROOT: Path<'static> = Path {
        parent: None,
        name: "",
    };

    /// A part of this.
    pub(super) fn then(&'a self, name: &'a str) -> Path<'a> {
        Path {
            parent: Some(self),
            name,
        }
    }
}

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parent) = self.parent else { return Ok(()) };
        if parent.parent.is_some() {
            write!(f, "{parent}.")?;
        }
        let mut letters = self.name.chars();
        if let Some(first) = letters.next() {
            f.write_char(first.to_ascii_lowercase())?;
        }
        f.write_str(letters.as_str())
    }
}

/// A value as Java prints it: `[a, b]`, `{key=value}`.
pub(super) enum Printed<'a> {
    Text(&'a str),
    Tree(&'a Shape, &'a Value),
}

impl Printed<'_> {
    fn is_hidden(&self) -> bool {
        matches!(self, Self::Tree(shape, _) if shape.sensitive)
    }
}

impl Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Tree(shape, value) => print(f, &shape.kind, value),
        }
    }
}

fn print(f: &mut fmt::Formatter<'_>, kind: &Kind, value: &Value) -> fmt::Result {
    match (kind, value) {
        (_, Value::String(text)) => f.write_str(text),
        (Kind::Double, Value::Number(number)) => write!(f, "{:?}", number.as_f64().unwrap_or_default()),
        (Kind::List(item), Value::Array(items)) => {
            f.write_char('[')?;
            for (index, value) in items.iter().enumerate() {
                f.write_str(if index > 0 { ", " } else { "" })?;
                print(f, &item.kind, value)?;
            }
            f.write_char(']')
        }
        (Kind::Map(_, item), Value::Object(entries)) => {
            f.write_char('{')?;
            for (index, (key, value)) in entries.iter().enumerate() {
                write!(f, "{}{key}=", if index > 0 { ", " } else { "" })?;
                print(f, &item.kind, value)?;
            }
            f.write_char('}')
        }
        _ => write!(f, "{value}"),
    }
}

/// The shapes of list items of which AWS says nothing about null.
const MAY_BE_NULL: [&str; 2] = ["SubnetId", "SecurityGroupId"];

/// All constraints of the parts of a list or map, in one bracket.
pub(super) struct Clauses<'a> {
    of: &'static str,
    shape: &'a Shape,
    not_null: bool,
}

impl<'a> Clauses<'a> {
    /// The constraints of list items or map values.
    pub(super) fn of_items(of: &'static str, shape: &'a Shape) -> Self {
        Self {
            of,
            shape,
            not_null: !MAY_BE_NULL.contains(&shape.name),
        }
    }

    /// The constraints of map keys.
    pub(super) fn of_keys(shape: &'a Shape) -> Self {
        Self {
            of: "Map keys",
            shape,
            not_null: false,
        }
    }
}

impl Display for Clauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all: Vec<String> = clauses(self.shape).map(|clause| clause.to_string()).collect();
        all.extend(self.not_null.then(|| "Member must not be null".to_owned()));
        write!(f, "{} must satisfy constraint: [{}]", self.of, all.join(", "))
    }
}

/// The broken constraints of a request.
#[derive(Default)]
pub(super) struct Violations {
    count: usize,
    sentences: Vec<String>,
}

impl Violations {
    /// A value breaks a constraint.
    pub(super) fn add(&mut self, value: &Printed<'_>, path: &Path<'_>, constraint: &dyn Display) {
        let printed = if value.is_hidden() {
            String::new()
        } else {
            format!(" '{}'", shortened(value))
        };
        self.sentence(&printed, path, constraint);
    }

    /// A required member is not there.
    pub(super) fn missing(&mut self, path: &Path<'_>) {
        self.sentence(" null", path, &"Member must not be null");
    }

    fn sentence(&mut self, value: &str, path: &Path<'_>, constraint: &dyn Display) {
        self.count += 1;
        if self.count <= MOST_SENTENCES {
            self.sentences.push(format!(
                "Value{value} at '{path}' failed to satisfy constraint: {constraint}"
            ));
        }
    }

    /// The service's error for all of them, if there are any.
    pub(super) fn into_result(self, service: &ServiceModel) -> Result<(), AwsError> {
        let errors = match self.count {
            0 => return Ok(()),
            1 => "error",
            _ => "errors",
        };
        let message = format!(
            "{} validation {errors} detected: {}",
            self.count,
            self.sentences.join("; ")
        );
        Err(AwsError::new(service.validation_error, 400, message))
    }
}

fn shortened(value: &Printed<'_>) -> String {
    let mut text = value.to_string();
    if let Some((end, _)) = text.char_indices().nth(LONGEST_VALUE) {
        text.truncate(end);
        text.push('…');
    }
    text
}
