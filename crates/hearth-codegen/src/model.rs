//! A service model as botocore writes it, and the list of what Hearth implements.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

/// One `models/<service>.json`.
#[derive(Deserialize)]
pub(crate) struct Model {
    pub(crate) metadata: Metadata,
    pub(crate) operations: BTreeMap<String, Operation>,
    pub(crate) shapes: BTreeMap<String, Shape>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) api_version: String,
    pub(crate) endpoint_prefix: String,
    pub(crate) protocols: Vec<String>,
    pub(crate) json_version: Option<String>,
    pub(crate) signing_name: Option<String>,
    pub(crate) target_prefix: Option<String>,
    pub(crate) xml_namespace: Option<String>,
    pub(crate) aws_query_compatible: Option<serde_json::Value>,
}

#[derive(Deserialize)]
pub(crate) struct Operation {
    pub(crate) http: Http,
    pub(crate) input: Option<Reference>,
    pub(crate) output: Option<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Http {
    pub(crate) method: String,
    pub(crate) request_uri: String,
    pub(crate) response_code: Option<u16>,
}

/// A use of a shape: by a member, a list, a map or an operation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reference {
    pub(crate) shape: String,
    pub(crate) location: Option<String>,
    pub(crate) location_name: Option<String>,
    pub(crate) result_wrapper: Option<String>,
    pub(crate) timestamp_format: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shape {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) members: Ordered<Reference>,
    #[serde(default)]
    pub(crate) required: Vec<String>,
    pub(crate) payload: Option<String>,
    pub(crate) member: Option<Reference>,
    pub(crate) key: Option<Reference>,
    pub(crate) value: Option<Reference>,
    pub(crate) min: Option<serde_json::Number>,
    pub(crate) max: Option<serde_json::Number>,
    pub(crate) pattern: Option<String>,
    #[serde(rename = "enum", default)]
    pub(crate) values: Vec<String>,
    #[serde(default)]
    pub(crate) sensitive: bool,
    pub(crate) timestamp_format: Option<String>,
    #[serde(default)]
    pub(crate) exception: bool,
    #[serde(default)]
    pub(crate) fault: bool,
    pub(crate) error: Option<ErrorTrait>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorTrait {
    pub(crate) code: Option<String>,
    pub(crate) http_status_code: u16,
}

/// A JSON object in the order of the file.
pub(crate) struct Ordered<T>(pub(crate) Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// A service's table in `models/implemented.toml`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Implemented {
    pub(crate) operations: Vec<String>,
    #[serde(default = "validation_exception")]
    pub(crate) validation_error: String,
    #[serde(default)]
    pub(crate) unchecked: Vec<String>,
    #[serde(default)]
    pub(crate) body_limit: BTreeMap<String, BodyLimit>,
}

fn validation_exception() -> String {
    "ValidationException".to_owned()
}

/// The largest request body of an operation and AWS's sentence about a larger one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BodyLimit {
    pub(crate) bytes: u64,
    pub(crate) message: String,
}
