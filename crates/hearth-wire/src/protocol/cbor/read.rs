//! Reading: what the model does not know costs no memory, and what a length only promises is not believed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

use super::super::json::MOST_VALUES;
use super::{major, other};
use crate::model::{Kind, Shape};
use crate::validation::cannot_convert;
use crate::{AwsError, CommonError};

/// Deepest nesting of values, as of the JSON parser.
const DEEPEST: u32 = 128;
/// The length of an item that ends with a break, and the break itself.
const INDEFINITE: u8 = 31;
const BREAK: u8 = 0xff;

/// Reads a body into the tree of a shape; an empty one is an empty object. Members that the shape does not have are
/// skipped. Values of another type than the shape's are kept as far as it takes to say so, without their parts.
pub(in crate::protocol) fn parse(shape: &Shape, body: &[u8]) -> Result<Value, AwsError> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let mut reader = Reader {
        rest: body,
        values_left: MOST_VALUES,
        depth: 0,
    };
    let tree = reader.value(Some(shape))?;
    match reader.rest {
        [] => Ok(tree),
        _ => Err(Malformed::Trailing.into()),
    }
}

/// Why bytes are no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Malformed {
    #[error("the end comes too early")]
    Truncated,
    #[error("something follows the value")]
    Trailing,
    #[error("the nesting is too deep")]
    TooDeep,
    #[error("too many values")]
    TooMany,
    #[error("a text is not UTF-8")]
    NotUtf8,
    #[error("a key is no text")]
    Key,
    #[error("an item of an unknown kind")]
    Unknown,
}

impl From<Malformed> for AwsError {
    fn from(why: Malformed) -> Self {
        Self::common(
            CommonError::Serialization,
            format!("Could not parse request body into cbor: {why}"),
        )
    }
}

/// The first byte of an item: what it is, and how its argument is written.
#[derive(Clone, Copy)]
struct Initial {
    major: u8,
    info: u8,
}

struct Reader<'a> {
    rest: &'a [u8],
    values_left: u32,
    depth: u32,
}

impl<'a> Reader<'a> {
    /// Reads a value along a shape; `None` keeps no parts.
    fn value(&mut self, shape: Option<&Shape>) -> Result<Value, AwsError> {
        self.values_left = self.values_left.checked_sub(1).ok_or(Malformed::TooMany)?;
        if self.depth == DEEPEST {
            return Err(Malformed::TooDeep.into());
        }
        self.depth += 1;
        let initial = self.initial()?;
        let value = self.rest_of(initial, shape)?;
        self.depth -= 1;
        Ok(value)
    }

    fn rest_of(&mut self, initial: Initial, shape: Option<&Shape>) -> Result<Value, AwsError> {
        match initial.major {
            major::UNSIGNED => Ok(self.argument(initial)?.into()),
            major::NEGATIVE => Ok(negative(self.argument(initial)?)),
            major::BYTES => {
                let bytes = self.string(initial)?;
                blob(shape, &bytes)
            }
            major::TEXT => {
                let bytes = self.string(initial)?;
                text(shape, bytes)
            }
            major::ARRAY => self.array(initial, shape),
            major::MAP => self.map(initial, shape),
            major::TAG => {
                self.argument(initial)?;
                self.value(shape)
            }
            _ => Ok(self.other(initial)?),
        }
    }

    fn array(&mut self, initial: Initial, shape: Option<&Shape>) -> Result<Value, AwsError> {
        let item = match shape.map(|shape| &shape.kind) {
            Some(Kind::List(item)) => Some(*item),
            _ => None,
        };
        let mut kept = Vec::new();
        let mut left = self.length(initial)?;
        while self.goes_on(&mut left)? {
            let value = self.value(item)?;
            kept.extend(item.map(|_| value));
        }
        Ok(Value::Array(kept))
    }

    fn map(&mut self, initial: Initial, shape: Option<&Shape>) -> Result<Value, AwsError> {
        let mut kept = Map::new();
        let mut left = self.length(initial)?;
        while self.goes_on(&mut left)? {
            let key = self.key()?;
            let part = match shape.map(|shape| &shape.kind) {
                Some(Kind::Structure { members, .. }) => members
                    .iter()
                    .find(|member| member.key == key)
                    .map(|member| member.shape),
                Some(Kind::Map(_, value)) => Some(*value),
                _ => None,
            };
            let value = self.value(part)?;
            if part.is_some() {
                kept.insert(key, value);
            }
        }
        Ok(Value::Object(kept))
    }

    fn key(&mut self) -> Result<String, Malformed> {
        let initial = self.initial()?;
        if initial.major != major::TEXT {
            return Err(Malformed::Key);
        }
        let bytes = self.string(initial)?;
        String::from_utf8(bytes).map_err(|_| Malformed::NotUtf8)
    }

    fn other(&mut self, initial: Initial) -> Result<Value, Malformed> {
        let number = match initial.info {
            other::FALSE => return Ok(Value::Bool(false)),
            other::TRUE => return Ok(Value::Bool(true)),
            other::NULL | other::UNDEFINED => return Ok(Value::Null),
            other::HALF => half(u16::from_be_bytes(self.array_of()?)),
            other::SINGLE => f32::from_be_bytes(self.array_of()?).into(),
            other::DOUBLE => f64::from_be_bytes(self.array_of()?),
            _ => return Err(Malformed::Unknown),
        };
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    /// The bytes of a string; one of indefinite length is in pieces.
    fn string(&mut self, initial: Initial) -> Result<Vec<u8>, Malformed> {
        let Some(length) = self.length(initial)? else {
            let mut whole = Vec::new();
            let mut left = None;
            while self.goes_on(&mut left)? {
                let piece = self.initial()?;
                let length = self.length(piece)?.filter(|_| piece.major == initial.major);
                whole.extend_from_slice(self.take(length.ok_or(Malformed::Unknown)?)?);
            }
            return Ok(whole);
        };
        Ok(self.take(length)?.to_vec())
    }

    /// The number of parts that are declared; `None` for an item that a break ends.
    fn length(&mut self, initial: Initial) -> Result<Option<u64>, Malformed> {
        match initial.info {
            INDEFINITE => Ok(None),
            _ => self.argument(initial).map(Some),
        }
    }

    /// Whether a further part comes, of those that are left.
    fn goes_on(&mut self, left: &mut Option<u64>) -> Result<bool, Malformed> {
        if let Some(left) = left {
            let goes_on = *left > 0;
            *left = left.saturating_sub(1);
            return Ok(goes_on);
        }
        let first = self.rest.first().ok_or(Malformed::Truncated)?;
        let ends = *first == BREAK;
        if ends {
            self.rest = &self.rest[1..];
        }
        Ok(!ends)
    }

    fn initial(&mut self) -> Result<Initial, Malformed> {
        let [byte] = self.array_of()?;
        Ok(Initial {
            major: byte >> 5,
            info: byte & 0x1f,
        })
    }

    fn argument(&mut self, initial: Initial) -> Result<u64, Malformed> {
        match initial.info {
            small @ 0..24 => Ok(small.into()),
            24 => self.array_of().map(u8::from_be_bytes).map(u64::from),
            25 => self.array_of().map(u16::from_be_bytes).map(u64::from),
            26 => self.array_of().map(u32::from_be_bytes).map(u64::from),
            27 => self.array_of().map(u64::from_be_bytes),
            _ => Err(Malformed::Unknown),
        }
    }

    fn array_of<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).map_err(|_| Malformed::Truncated)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }
}

/// The number that `argument` stands for where it is negative; where 64 bits do not hold it, about that.
fn negative(argument: u64) -> Value {
    match i64::try_from(argument) {
        Ok(argument) => (-1 - argument).into(),
        Err(_) => (-1.0 - argument as f64).into(),
    }
}

/// Bytes, in base64 as the tree has them.
fn blob(shape: Option<&Shape>, bytes: &[u8]) -> Result<Value, AwsError> {
    match shape {
        None => Ok(Value::Null),
        Some(Shape { kind: Kind::Blob, .. }) => Ok(Value::String(STANDARD.encode(bytes))),
        Some(shape) => Err(cannot_convert("BLOB_VALUE", shape)),
    }
}

fn text(shape: Option<&Shape>, bytes: Vec<u8>) -> Result<Value, AwsError> {
    let text = String::from_utf8(bytes).map_err(|_| Malformed::NotUtf8)?;
    match shape {
        None => Ok(Value::Null),
        Some(shape) if matches!(shape.kind, Kind::Blob) => Err(cannot_convert("STRING_VALUE", shape)),
        Some(_) => Ok(Value::String(text)),
    }
}

/// A floating-point number of 16 bits (IEEE 754): a sign, five bits of exponent, ten of fraction.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (fraction + 1024.0) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}
