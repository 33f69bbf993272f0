//! A single constraint of a shape: whether it holds and how AWS says it.

use std::fmt;

use serde_json::Value;

use crate::model::{Kind, Pattern, Shape};

/// What constraints look at.
#[derive(Clone, Copy)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    Number(f64),
    Length(usize),
    Other,
}

impl<'a> Scalar<'a> {
    pub(super) fn of(shape: &Shape, value: &'a Value) -> Self {
        match value {
            Value::String(text) if matches!(shape.kind, Kind::Blob) => Self::Length(decoded_length(text)),
            Value::String(text) => Self::Text(text),
            Value::Number(number) => number.as_f64().map_or(Self::Other, Self::Number),
            Value::Array(items) => Self::Length(items.len()),
            Value::Object(entries) => Self::Length(entries.len()),
            _ => Self::Other,
        }
    }

    /// The value or length that minimum and maximum are about. A text is as long as Java says: in
    /// UTF-16 units.
    fn measure(self) -> Option<f64> {
        match self {
            Self::Text(text) if text.is_ascii() => Some(text.len() as f64),
            Self::Text(text) => Some(text.encode_utf16().count() as f64),
            Self::Number(number) => Some(number),
            Self::Length(length) => Some(length as f64),
            Self::Other => None,
        }
    }
}

/// The number of bytes that a base64 text stands for.
fn decoded_length(text: &str) -> usize {
    text.trim_end_matches('=').len() * 3 / 4
}

/// A constraint of a shape.
pub(super) enum Clause<'a> {
    Max(f64, &'a Kind),
    Min(f64, &'a Kind),
    Pattern(&'a Pattern),
    OneOf(&'a [&'a str]),
}

/// The constraints of a shape in the order in which AWS lists them in a bracket.
pub(super) fn clauses(shape: &Shape) -> impl DoubleEndedIterator<Item = Clause<'_>> {
    let one_of = (!shape.values.is_empty()).then_some(Clause::OneOf(shape.values));
    [
        shape.max.map(|max| Clause::Max(max, &shape.kind)),
        shape.min.map(|min| Clause::Min(min, &shape.kind)),
        shape.pattern.map(Clause::Pattern),
        one_of,
    ]
    .into_iter()
    .flatten()
}

impl Clause<'_> {
    pub(super) fn holds(&self, scalar: Scalar<'_>) -> bool {
        match self {
            Self::Max(max, _) => scalar.measure().is_none_or(|measure| measure <= *max),
            Self::Min(min, _) => scalar.measure().is_none_or(|measure| measure >= *min),
            Self::Pattern(pattern) => !matches!(scalar, Scalar::Text(text) if !pattern.matches(text)),
            Self::OneOf(values) => !matches!(scalar, Scalar::Text(text) if !values.contains(&text)),
        }
    }
}

impl fmt::Display for Clause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max(max, kind) => bound(f, kind, "less", *max),
            Self::Min(min, kind) => bound(f, kind, "greater", *min),
            Self::Pattern(pattern) => {
                write!(
                    f,
                    "Member must satisfy regular expression pattern: {}",
                    pattern.text()
                )
            }
            Self::OneOf(values) => {
                write!(f, "Member must satisfy enum value set: [{}]", values.join(", "))
            }
        }
    }
}

fn bound(f: &mut fmt::Formatter<'_>, kind: &Kind, which: &str, bound: f64) -> fmt::Result {
    match kind {
        Kind::Double => write!(f, "Member must have value {which} than or equal to {bound:?}"),
        Kind::Integer | Kind::Long => write!(f, "Member must have value {which} than or equal to {bound}"),
        _ => write!(f, "Member must have length {which} than or equal to {bound}"),
    }
}
