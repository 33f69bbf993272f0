//! Writing: everything with definite lengths, numbers as the shape says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

use super::{EPOCH, major, other};
use crate::model::{Kind, Member, Shape};
use crate::{AwsError, CommonError};

/// Writes a value of a shape. Members without a value are left out.
pub(in crate::protocol) fn write(out: &mut Vec<u8>, shape: &Shape, value: &Value) -> Result<(), AwsError> {
    match (&shape.kind, value) {
        (Kind::Structure { members, .. }, Value::Object(entries)) => structure(out, members, entries),
        (Kind::List(item), Value::Array(items)) => {
            head(out, major::ARRAY, items.len() as u64);
            items.iter().try_for_each(|value| write(out, item, value))
        }
        (Kind::Map(_, item), Value::Object(entries)) => {
            head(out, major::MAP, entries.len() as u64);
            entries.iter().try_for_each(|(key, value)| {
                text(out, key);
                write(out, item, value)
            })
        }
        (Kind::Double, Value::Number(number)) => {
            double(out, number);
            Ok(())
        }
        (Kind::Timestamp, Value::Number(seconds)) => {
            head(out, major::TAG, EPOCH);
            double(out, seconds);
            Ok(())
        }
        (Kind::Blob, Value::String(text)) => blob(out, text),
        _ => {
            write_untyped(out, value);
            Ok(())
        }
    }
}

fn structure(out: &mut Vec<u8>, members: &[Member], entries: &Map<String, Value>) -> Result<(), AwsError> {
    let present = || {
        members
            .iter()
            .filter_map(|member| Some((member, entries.get(member.key)?)))
            .filter(|(_, value)| !value.is_null())
    };
    head(out, major::MAP, present().count() as u64);
    present().into_iter().try_for_each(|(member, value)| {
        text(out, member.key);
        write(out, member.shape, value)
    })
}

/// Writes a value as what it is.
pub(in crate::protocol) fn write_untyped(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => head(out, major::OTHER, other::NULL.into()),
        Value::Bool(false) => head(out, major::OTHER, other::FALSE.into()),
        Value::Bool(true) => head(out, major::OTHER, other::TRUE.into()),
        Value::Number(value) => number(out, value),
        Value::String(value) => text(out, value),
        Value::Array(items) => {
            head(out, major::ARRAY, items.len() as u64);
            items.iter().for_each(|value| write_untyped(out, value));
        }
        Value::Object(entries) => {
            head(out, major::MAP, entries.len() as u64);
            for (key, value) in entries {
                text(out, key);
                write_untyped(out, value);
            }
        }
    }
}

fn number(out: &mut Vec<u8>, number: &Number) {
    match (number.as_u64(), number.as_i64()) {
        (Some(value), _) => head(out, major::UNSIGNED, value),
        (None, Some(value)) => head(out, major::NEGATIVE, value.unsigned_abs() - 1),
        (None, None) => double(out, number),
    }
}

fn double(out: &mut Vec<u8>, number: &Number) {
    out.push(major::OTHER << 5 | other::DOUBLE);
    out.extend_from_slice(&number.as_f64().unwrap_or_default().to_be_bytes());
}

fn text(out: &mut Vec<u8>, text: &str) {
    head(out, major::TEXT, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn blob(out: &mut Vec<u8>, base64: &str) -> Result<(), AwsError> {
    let bytes = STANDARD.decode(base64).map_err(|error| {
        let message = format!("The answer is not base64: {error}");
        AwsError::common(CommonError::Internal, message)
    })?;
    head(out, major::BYTES, bytes.len() as u64);
    out.extend_from_slice(&bytes);
    Ok(())
}

/// Writes what an item is and its argument, in as few bytes as that takes.
fn head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    if argument < 24 {
        out.push(major | argument as u8);
    } else if let Ok(argument) = u8::try_from(argument) {
        out.extend_from_slice(&[major | 24, argument]);
    } else if let Ok(argument) = u16::try_from(argument) {
        out.push(major | 25);
        out.extend_from_slice(&argument.to_be_bytes());
    } else if let Ok(argument) = u32::try_from(argument) {
        out.push(major | 26);
        out.extend_from_slice(&argument.to_be_bytes());
    } else {
        out.push(major | 27);
        out.extend_from_slice(&argument.to_be_bytes());
    }
}
