//! Runs the cases of `cases/urls`: a request, what the function gets, what it returns, and the response.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hearth_wire::Body;
use http::Response;
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::pattern::compare;
use crate::support::{Config, Fake, Function, Sent};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    url: Config,
    #[serde(default)]
    function: Function,
    request: Sent,
    /// What the function gets: an object compared whole, or the members that matter by their paths; `null` if it must
    /// not be invoked.
    #[serde(default, deserialize_with = "given")]
    event: Option<Value>,
    #[serde(default)]
    response: Option<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    status: u16,
    /// All headers.
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    base64: Option<String>,
    /// Whether the body ends in an error instead.
    #[serde(default)]
    breaks: bool,
}

/// Tells `null` from what is not there.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[tokio::test]
async fn every_case_is_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/urls");
    let mut cases: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    cases.sort();
    assert!(cases.len() > 40, "the cases are missing");
    let mut failures = Vec::new();
    for path in &cases {
        if let Err(failure) = run(path).await {
            failures.push(format!("{}: {failure}", path.file_stem().unwrap().display()));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} cases fail:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

async fn run(path: &Path) -> Result<(), String> {
    let case: Case = serde_json::from_slice(&fs::read(path).unwrap()).map_err(|error| error.to_string())?;
    let fake = Fake::new(case.url, case.function);
    let response = fake
        .send(&case.request)
        .await
        .ok_or("the request is for no URL")?;
    let event = fake.event();
    match (&event, &case.event) {
        (_, None) | (None, Some(Value::Null)) => {}
        (None, Some(_)) => return Err("the function was not invoked".into()),
        (Some(_), Some(Value::Null)) => return Err("the function was invoked".into()),
        (Some(event), Some(expected)) => check_event(event, expected)?,
    }
    match case.response {
        Some(expected) => check(response, &expected).await,
        None => Ok(()),
    }
}

/// With keys such as `/headers/host` only these parts are compared, `null` stands for a part that is missing.
fn check_event(event: &Value, expected: &Value) -> Result<(), String> {
    let members = expected.as_object().ok_or("event is no object")?;
    if !members.keys().all(|key| key.starts_with('/')) {
        return compare(event, expected, "event");
    }
    members.iter().try_for_each(|(pointer, expected)| {
        compare(
            event.pointer(pointer).unwrap_or(&Value::Null),
            expected,
            &format!("event{pointer}"),
        )
    })
}

async fn check(response: Response<Body>, expected: &Expected) -> Result<(), String> {
    let (head, body) = response.into_parts();
    if head.status != expected.status {
        return Err(format!("the status is {}, not {}", head.status, expected.status));
    }
    let mut headers = Map::new();
    for name in head.headers.keys() {
        let values = head
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()));
        let mut values: Vec<Value> = values.map(|value| value.as_ref().into()).collect();
        let value = if values.len() == 1 {
            values.remove(0)
        } else {
            values.into()
        };
        headers.insert(name.to_string(), value);
    }
    compare(
        &headers.into(),
        &Value::Object(expected.headers.clone()),
        "headers",
    )?;
    let body = match body.collect().await {
        Err(_) if expected.breaks => return Ok(()),
        Err(error) => return Err(format!("the body breaks: {error}")),
        Ok(_) if expected.breaks => return Err("the body does not break".into()),
        Ok(body) => body.to_bytes(),
    };
    let wanted = match (&expected.body, &expected.base64) {
        (Some(text), _) => text.clone().into_bytes(),
        (None, Some(base64)) => STANDARD.decode(base64).map_err(|error| error.to_string())?,
        (None, None) => Vec::new(),
    };
    if body == wanted {
        Ok(())
    } else {
        Err(format!("the body is {:?}", String::from_utf8_lossy(&body)))
    }
}
