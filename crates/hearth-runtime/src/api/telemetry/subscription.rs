//! What an extension subscribes to, and where it wants to have it.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Deserialize;

use crate::api::ApiError;

/// Which of the two interfaces a subscription came over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TelemetryApi {
    /// Of 2022.
    Telemetry,
    /// Of 2020, superseded.
    Logs,
}

impl TelemetryApi {
    /// As error types begin.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Telemetry => "Telemetry",
            Self::Logs => "Logs",
        }
    }

    fn schemas(self) -> &'static [&'static str] {
        match self {
            Self::Telemetry => &["2022-07-01", "2022-12-13", "2025-01-29"],
            Self::Logs => &["2020-08-15", "2021-03-18"],
        }
    }
}

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// What the platform tells.
    Platform,
    /// What the function prints.
    Function,
    /// What extensions print.
    Extension,
}

impl Category {
    /// As the log's line on a subscription names it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Platform => "Platform",
            Self::Function => "Function",
            Self::Extension => "Extension",
        }
    }

    /// As subscriptions and records name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Function => "function",
            Self::Extension => "extension",
        }
    }
}

/// Where records go, inside the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// POST to this port and path.
    Http {
        /// The port.
        port: u16,
        /// The path, with its query.
        path: String,
    },
    /// Lines to this port.
    Tcp {
        /// The port.
        port: u16,
    },
}

/// A subscription that can be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The interface.
    pub api: TelemetryApi,
    /// What it is about.
    pub categories: Vec<Category>,
    /// Records of a batch at most, 1,000 to 10,000.
    pub max_items: usize,
    /// Bytes of a batch at most, 262,144 to 1,048,576.
    pub max_bytes: usize,
    /// How long a batch may wait, 25 ms to 30 s.
    pub timeout: Duration,
    /// Where it goes.
    pub destination: Destination,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    schema_version: Option<String>,
    types: Vec<Category>,
    #[serde(default)]
    buffering: Buffering,
    destination: RequestedDestination,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Buffering {
    max_items: Option<u64>,
    max_bytes: Option<u64>,
    timeout_ms: Option<u64>,
}

#[derive(Deserialize)]
struct RequestedDestination {
    protocol: String,
    #[serde(rename = "URI")]
    uri: Option<String>,
    port: Option<u16>,
}

impl Subscription {
    /// Reads the body of a request.
    pub fn parse(api: TelemetryApi, body: &[u8]) -> Result<Self, ApiError> {
        let request: Request = serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))?;
        let schema = request
            .schema_version
            .as_deref()
            .unwrap_or_else(|| api.schemas()[0]);
        if !api.schemas().contains(&schema) {
            return Err(invalid(format!("schemaVersion {schema} is not supported")));
        }
        if request.types.is_empty() {
            return Err(invalid("types must not be empty"));
        }
        let buffering = request.buffering;
        let max_items = within("maxItems", buffering.max_items, 10_000, 1000..=10_000)?;
        let max_bytes = within("maxBytes", buffering.max_bytes, 262_144, 262_144..=1_048_576)?;
        let timeout = within("timeoutMs", buffering.timeout_ms, 1000, 25..=30_000)?;
        Ok(Self {
            api,
            categories: request.types,
            max_items: max_items as usize,
            max_bytes: max_bytes as usize,
            timeout: Duration::from_millis(timeout),
            destination: request.destination.read()?,
        })
    }
}

impl RequestedDestination {
    fn read(self) -> Result<Destination, ApiError> {
        match (self.protocol.as_str(), self.uri, self.port) {
            ("HTTP", Some(uri), _) => http(&uri),
            ("TCP", _, Some(port)) if port > 0 => Ok(Destination::Tcp { port }),
            ("HTTP", None, _) => Err(invalid("destination.URI is missing")),
            ("TCP", ..) => Err(invalid("destination.port is missing")),
            (protocol, ..) => Err(invalid(format!(
                "destination.protocol {protocol} is not supported"
            ))),
        }
    }
}

/// Reads `http://sandbox.localdomain:8080/path`.
fn http(uri: &str) -> Result<Destination, ApiError> {
    let refuse = || {
        invalid(format!(
            "destination.URI {uri} is not of the form http://sandbox.localdomain:<port>/<path>"
        ))
    };
    let uri: hyper::Uri = uri.parse().map_err(|_| refuse())?;
    let local = matches!(uri.host(), Some("sandbox.localdomain" | "sandbox"));
    if uri.scheme_str() != Some("http") || !local {
        return Err(refuse());
    }
    Ok(Destination::Http {
        port: uri.port_u16().unwrap_or(80),
        path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
    })
}

fn within(name: &str, value: Option<u64>, default: u64, range: RangeInclusive<u64>) -> Result<u64, ApiError> {
    let value = value.unwrap_or(default);
    if range.contains(&value) {
        return Ok(value);
    }
    let (least, most) = range.into_inner();
    Err(invalid(format!(
        "buffering.{name} must be between {least} and {most}"
    )))
}

fn invalid(why: impl Into<String>) -> ApiError {
    ApiError {
        status: 400,
        error_type: "ValidationError",
        message: why.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(body: &str) -> Result<Subscription, String> {
        Subscription::parse(TelemetryApi::Telemetry, body.as_bytes()).map_err(|error| error.message)
    }

    #[test]
    fn a_subscription_has_defaults() {
        let subscription = parse(
            r#"{"schemaVersion":"2022-12-13","types":["platform","function"],
                "destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:8080/a?b"}}"#,
        )
        .unwrap();
        assert_eq!(
            (subscription.max_items, subscription.max_bytes),
            (10_000, 262_144)
        );
        assert_eq!(subscription.timeout, Duration::from_secs(1));
        let path = "/a?b".to_owned();
        assert_eq!(subscription.destination, Destination::Http { port: 8080, path });
        let tcp = parse(
            r#"{"types":["extension"],"buffering":{"timeoutMs":25},"destination":{"protocol":"TCP","port":9}}"#,
        );
        assert_eq!(tcp.unwrap().destination, Destination::Tcp { port: 9 });
    }

    #[test]
    fn what_cannot_be_served_is_refused() {
        let to = |destination: &str, more: &str| {
            format!(r#"{{"types":["platform"],"destination":{destination}{more}}}"#)
        };
        let tcp = r#"{"protocol":"TCP","port":9}"#;
        for (body, part) in [
            (
                to(r#"{"protocol":"HTTP","URI":"http://192.0.2.1:80"}"#, ""),
                "sandbox.localdomain",
            ),
            (
                to(r#"{"protocol":"HTTP","URI":"https://sandbox.localdomain"}"#, ""),
                "sandbox.localdomain",
            ),
            (to(r#"{"protocol":"HTTP"}"#, ""), "URI is missing"),
            (to(r#"{"protocol":"UDP","port":9}"#, ""), "protocol UDP"),
            (to(tcp, r#","schemaVersion":"1999-01-01""#), "schemaVersion"),
            (
                to(tcp, r#","buffering":{"maxItems":999}"#),
                "maxItems must be between 1000 and 10000",
            ),
            (to(tcp, r#","buffering":{"timeoutMs":30001}"#), "timeoutMs"),
            (to(tcp, r#","buffering":{"maxBytes":1}"#), "maxBytes"),
            (
                r#"{"types":[],"destination":{"protocol":"TCP","port":9}}"#.to_owned(),
                "types",
            ),
            (
                r#"{"types":["weather"],"destination":{"protocol":"TCP","port":9}}"#.to_owned(),
                "weather",
            ),
            ("nonsense".to_owned(), ""),
        ] {
            let refused = parse(&body).unwrap_err();
            assert!(refused.contains(part), "{body}: {refused}");
        }
    }

    proptest! {
        #[test]
        fn no_body_upsets_it(body in prop::collection::vec(any::<u8>(), 0..200), uri in "\\PC{0,40}") {
            let _ = Subscription::parse(TelemetryApi::Logs, &body);
            let body = serde_json::json!({
                "types": ["platform"], "destination": { "protocol": "HTTP", "URI": uri }
            });
            let _ = Subscription::parse(TelemetryApi::Telemetry, body.to_string().as_bytes());
        }
    }
}
