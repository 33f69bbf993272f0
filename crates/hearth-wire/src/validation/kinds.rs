//! Values of another type than the model's.

use serde_json::Value;

use crate::model::{Kind, Shape};
use crate::{AwsError, CommonError};

/// Whether values of a shape have parts with paths of their own.
pub(super) fn is_composite(shape: &Shape) -> bool {
    matches!(shape.kind, Kind::Structure { .. } | Kind::List(_) | Kind::Map(..))
}

/// Whether a value is of a shape's type; says what AWS says if not.
pub(super) fn check_kind(shape: &Shape, value: &Value) -> Result<(), AwsError> {
    let fits = match (&shape.kind, value) {
        (Kind::Structure { .. } | Kind::Map(..), Value::Object(_))
        | (Kind::List(_), Value::Array(_))
        | (Kind::String | Kind::Blob, Value::String(_))
        | (Kind::Double | Kind::Timestamp, Value::Number(_))
        | (Kind::Boolean, Value::Bool(_)) => true,
        (Kind::Integer, Value::Number(number)) => number
            .as_i64()
            .is_some_and(|number| i32::try_from(number).is_ok()),
        (Kind::Long, Value::Number(number)) => number.is_i64(),
        _ => false,
    };
    if fits { Ok(()) } else { Err(mismatch(shape, value)) }
}

fn mismatch(shape: &Shape, value: &Value) -> AwsError {
    let found = match value {
        Value::Array(_) => return refuse("Start of list found where not expected"),
        Value::Object(_) => return refuse("Start of structure or map found where not expected."),
        _ if is_composite(shape) => return refuse("Unexpected field type"),
        Value::Null => "NULL_VALUE",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(number) if number.is_f64() => "DECIMAL_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
    };
    cannot_convert(found, shape)
}

/// The error for a scalar of the wrong type, such as `STRING_VALUE` where a number is due.
pub(crate) fn cannot_convert(found: &str, shape: &Shape) -> AwsError {
    let wanted = match shape.kind {
        Kind::Integer => "an Integer",
        Kind::Long => "a Long",
        Kind::Double => "a Double",
        Kind::Boolean => "a Boolean",
        Kind::Blob => "a Blob",
        Kind::Timestamp => "a Timestamp",
        _ => "a String",
    };
    refuse(format!("{found} can not be converted to {wanted}"))
}

fn refuse(message: impl Into<String>) -> AwsError {
    AwsError::common(CommonError::Serialization, message)
}
