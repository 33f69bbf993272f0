//! The Rust types of values that are more than a text, a number or a list.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};

/// Accepts base64 with and without the padding at the end.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Bytes; base64 in JSON. `Debug` shows the length only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Blob(pub Bytes);

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Base64;
        impl Visitor<'_> for Base64 {
            type Value = Blob;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Blob, E> {
                LENIENT
                    .decode(text)
                    .map(|bytes| Blob(bytes.into()))
                    .map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Base64)
    }
}

/// A point in time; seconds since the Unix epoch in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub SystemTime);

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        serializer.serialize_f64(since.as_millis() as f64 / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        let since = Duration::try_from_secs_f64(seconds).map_err(D::Error::custom)?;
        UNIX_EPOCH
            .checked_add(since)
            .map(Self)
            .ok_or_else(|| D::Error::custom("a time out of range"))
    }
}

/// Stands for a sensitive value in `Debug`.
pub(crate) struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Declares an enumeration that is a text on the wire.
macro_rules! string_enum {
    ($name:ident { $($variant:ident = $text:literal,)+ }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $(#[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every value, in the model's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The text on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use string_enum;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::lambda;

    #[test]
    fn bytes_are_base64_with_or_without_padding() {
        let blob = Blob(Bytes::from_static(b"\0"));
        assert_eq!(serde_json::to_value(&blob).unwrap(), json!("AA=="));
        for text in ["AA==", "AA"] {
            assert_eq!(serde_json::from_value::<Blob>(json!(text)).unwrap(), blob);
        }
        assert!(serde_json::from_value::<Blob>(json!("A A=")).is_err());
    }

    #[test]
    fn times_are_seconds_and_foreign_ones_do_no_harm() {
        let time = Timestamp(UNIX_EPOCH + Duration::from_millis(1500));
        assert_eq!(serde_json::to_value(time).unwrap(), json!(1.5));
        assert_eq!(serde_json::from_value::<Timestamp>(json!(1.5)).unwrap(), time);
        for foreign in [json!(-1), json!(1e300), json!(1.8e19)] {
            let _ = serde_json::from_value::<Timestamp>(foreign);
        }
    }

    #[test]
    fn sensitive_values_are_not_printed() {
        let variables = Some(BTreeMap::from([("PASSWORD".to_owned(), "hunter2".to_owned())]));
        assert_eq!(
            format!("{:?}", lambda::Environment { variables }),
            "Environment { variables: Some(***) }"
        );
        let zip_file = Some(Blob(Bytes::from_static(b"hunter2")));
        let code = lambda::FunctionCode {
            zip_file,
            ..Default::default()
        };
        assert!(format!("{code:?}").contains("Blob(7 bytes)"));
    }

    #[test]
    fn enumerations_are_their_texts() {
        assert_eq!(lambda::Architecture::X8664.to_string(), "x86_64");
        assert_eq!(
            serde_json::to_value(lambda::State::Pending).unwrap(),
            json!("Pending")
        );
        assert_eq!(lambda::LogType::ALL.len(), 2);
    }
}
