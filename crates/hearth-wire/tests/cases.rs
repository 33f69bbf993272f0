//! Runs the folders of `cases/wire`. Their README says what they contain.
#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]

mod support;

use std::fs;
use std::path::Path;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    method: String,
    path: String,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    body: Option<Value>,
    hex: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    status: u16,
    #[serde(default)]
    headers: Map<String, Value>,
    body: Option<Value>,
    hex: Option<String>,
    #[serde(default)]
    contains: Vec<String>,
}

#[tokio::test]
async fn every_case_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/wire");
    let router = support::router(support::Gate::default());
    let mut failed = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += 1;
            if let Err(why) = run(&router, &path).await {
                failed.push(format!("{}: {why}", path.file_name().unwrap().display()));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    assert!(count > 0, "no cases in {}", folder.display());
}

async fn run(router: &hearth_wire::Router, case: &Path) -> Result<(), String> {
    let sent: Sent = read(&case.join("request.json"))?;
    let expected: Expected = read(&case.join("expected.json"))?;
    let mut request = Request::builder().method(&*sent.method).uri(sent.path);
    for (name, value) in &sent.headers {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let body = match &sent.hex {
        Some(hex) => bytes(hex)?,
        None => sent.body.as_ref().map(text).unwrap_or_default().into_bytes(),
    };
    let request = request
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| error.to_string())?;
    let (head, body) = router.handle(request).await.into_parts();
    let body = body
        .collect()
        .await
        .map_err(|error| error.to_string())?
        .to_bytes();
    if let Some(hex) = &expected.hex {
        same("body", &body.to_vec(), &bytes(hex)?)?;
    }
    let body = String::from_utf8_lossy(&body);
    same("status", &head.status.as_u16(), &expected.status).map_err(|why| format!("{why}\n{body}"))?;
    for (name, value) in &expected.headers {
        let actual = head.headers.get(name).and_then(|value| value.to_str().ok());
        same(name, &actual, &value.as_str())?;
    }
    if !head.headers.contains_key("x-amzn-requestid") {
        return Err("no request id".to_owned());
    }
    match &expected.body {
        Some(Value::String(text)) => same("body", &&*body, &text.as_str())?,
        Some(json) => same("body", &serde_json::from_str(&body).unwrap_or(Value::Null), json)?,
        None => {}
    }
    match expected.contains.iter().find(|part| !body.contains(*part)) {
        Some(part) => Err(format!("the body lacks {part}\n{body}")),
        None => Ok(()),
    }
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn text(body: &Value) -> String {
    body.as_str().map_or_else(|| body.to_string(), str::to_owned)
}

/// The bytes of hexadecimal digits; blanks between them are for people.
fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
    let pairs = digits.chunks(2).map(|pair| pair.iter().collect::<String>());
    let bytes = pairs.map(|pair| u8::from_str_radix(&pair, 16));
    bytes.collect::<Result<_, _>>().map_err(|error| error.to_string())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, actual: &T, expected: &T) -> Result<(), String> {
    if actual == expected {
        Ok(())
    } else {
        Err(format!("{what} is {actual:?}, not {expected:?}"))
    }
}
