//! Scalars as texts: in paths, queries, headers, forms and XML.

use serde_json::{Number, Value};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::macros::format_description;

use crate::AwsError;
use crate::model::{Kind, Shape, TimeFormat};
use crate::validation::cannot_convert;

/// Reads a scalar of a shape. Times become seconds since the Unix epoch.
pub(crate) fn read(shape: &Shape, format: Option<TimeFormat>, text: &str) -> Result<Value, AwsError> {
    let read = match shape.kind {
        Kind::Integer | Kind::Long => text.parse().ok().map(|number: i64| Value::Number(number.into())),
        Kind::Double => text.parse().ok().and_then(Number::from_f64).map(Value::Number),
        Kind::Boolean => text.parse().ok().map(Value::Bool),
        Kind::Timestamp => read_time(format, text),
        _ => Some(Value::String(text.to_owned())),
    };
    read.ok_or_else(|| cannot_convert("STRING_VALUE", shape))
}

fn read_time(format: Option<TimeFormat>, text: &str) -> Option<Value> {
    let time = match format {
        Some(TimeFormat::UnixSeconds) => {
            return text.parse().ok().and_then(Number::from_f64).map(Value::Number);
        }
        Some(TimeFormat::HttpDate) => OffsetDateTime::parse(text, &Rfc2822).ok()?,
        Some(TimeFormat::Iso8601) | None => OffsetDateTime::parse(text, &Rfc3339).ok()?,
    };
    let milliseconds = time.unix_timestamp_nanos() / 1_000_000;
    Number::from_f64(milliseconds as f64 / 1000.0).map(Value::Number)
}

/// Writes a scalar. Times come as seconds since the Unix epoch.
pub(crate) fn write(shape: &Shape, format: TimeFormat, value: &Value) -> String {
    match (&shape.kind, value) {
        (Kind::Timestamp, Value::Number(seconds)) => write_time(format, seconds),
        (_, Value::String(text)) => text.clone(),
        _ => value.to_string(),
    }
}

/// Writes a time given in seconds since the Unix epoch.
fn write_time(format: TimeFormat, seconds: &Number) -> String {
    let nanoseconds = (seconds.as_f64().unwrap_or_default() * 1e9) as i128;
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let written = match format {
        TimeFormat::Iso8601 => time.format(&Rfc3339),
        TimeFormat::HttpDate => time.format(format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        )),
        TimeFormat::UnixSeconds => return seconds.to_string(),
    };
    written.expect("a date of this era has every part of the format")
}
