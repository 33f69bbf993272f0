//! botocore's protocol cases, read in place from `$HEARTH_GOLDEN` or `../shared/golden` and run from
//! the server's side: serialised requests become trees, trees become answers.

mod model;

use std::fmt::Debug;
use std::path::PathBuf;
use std::{env, fs};

use bytes::Bytes;
use hearth_types::RequestId;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::BodyExt as _;
use serde_json::Value;

use super::{read, write};
use crate::RawRequest;
use crate::model::{Protocol, Shape};
use crate::router::Paths;
use crate::uri::parse_query;
use model::{Suite, leaked};

/// What the cases cover and no service of ours needs yet, by a part of the case's id.
const NOT_NEEDED: [(&str, &str); 24] = [
    ("HostWithPath", "the client's endpoint has a path"),
    ("ContentEncoding", "compressed requests"),
    ("GzipA", "compressed requests"),
    ("Document", "untyped documents"),
    ("MediaTypeHeader", "JSON in headers"),
    ("jsonvalue", "JSON in headers"),
    ("NaN", "numbers that JSON does not have"),
    ("Infinity", "numbers that JSON does not have"),
    ("Flattened", "lists and maps without an element of their own"),
    ("QueryXmlLists", "lists and maps without an element of their own"),
    ("XmlName", "renamed list items and map entries"),
    ("XmlNamespace", "namespaces of members"),
    ("JsonTimestampsWith", "texts for times in JSON bodies"),
    ("IgnoreType", "what the client ignores"),
    ("unexpected_json", "what the client ignores"),
    ("UnsetUnion", "the server library adds the content length"),
    ("request_id", "the router adds the request id"),
    ("IdempotencyTokenAutoFill", "the client invents a token"),
    ("QueryPrecedence", "the client merges two members"),
    ("QueryParamsStringListMap", "the client merges two members"),
    ("DateTimeWith", "time zones and texts for times in JSON bodies"),
    ("FractionalSeconds", "texts for times in JSON bodies"),
    ("timestamp_shapes_with", "texts for times in JSON bodies"),
    ("_timestamps", "texts for times in JSON bodies"),
];

#[test]
fn requests_of_rest_json_are_read() {
    run("input/rest-json", Protocol::RestJson, request, 75);
}

#[test]
fn requests_of_aws_json_are_read() {
    run(
        "input/json",
        Protocol::AwsJson {
            version: "1.1",
            target_prefix: "",
        },
        request,
        40,
    );
}

#[test]
fn requests_of_query_are_read() {
    run("input/query", Protocol::Query { namespace: "" }, request, 18);
}

#[test]
fn answers_of_rest_json_are_written() {
    run("output/rest-json", Protocol::RestJson, answer, 50);
}

#[test]
fn answers_of_aws_json_are_written() {
    run(
        "output/json",
        Protocol::AwsJson {
            version: "1.1",
            target_prefix: "",
        },
        answer,
        30,
    );
}

#[test]
fn answers_of_query_are_written() {
    run(
        "output/query",
        Protocol::Query {
            namespace: "https://example.com/",
        },
        answer,
        20,
    );
}

/// Checks a case from the server's side.
type Check = fn(&Suite, &Value) -> Result<(), String>;

/// Runs the cases of a file, at least `least` of them.
fn run(file: &str, protocol: Protocol, check: Check, least: usize) {
    let root = env::var_os("HEARTH_GOLDEN").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden")),
        PathBuf::from,
    );
    let path = root.join("protocols").join(file).with_extension("json");
    let Ok(text) = fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return;
    };
    let suites: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut count = 0;
    let mut failed = Vec::new();
    for (suite, case) in suites.iter().flat_map(|suite| {
        suite["cases"]
            .as_array()
            .into_iter()
            .flatten()
            .map(move |case| (suite, case))
    }) {
        let id = case["id"].as_str().unwrap();
        if let Some((_, why)) = NOT_NEEDED.iter().find(|(part, _)| id.contains(part)) {
            println!("{id}: not run ({why})");
            continue;
        }
        count += 1;
        if let Err(why) = check(&leaked(suite, case, protocol), case) {
            failed.push(format!("{id}: {why}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    assert!(count >= least, "only {count} cases of {file} were run");
}

/// The case's serialised request becomes the tree of its parameters.
fn request(suite: &Suite, case: &Value) -> Result<(), String> {
    let sent = &case["serialized"];
    let target = sent["uri"].as_str().unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = parse_query(query).unwrap();
    let operation = &suite.service.operations[0];
    let mut labels = Vec::new();
    if suite.protocol() == Protocol::RestJson {
        let mut paths = Paths::default();
        paths.add(0, operation);
        let found = paths
            .find(operation.method, path, &query)
            .map_err(|error| error.to_string())?;
        labels = found.ok_or("no such path")?.labels;
    }
    let body = Bytes::copy_from_slice(sent["body"].as_str().unwrap_or_default().as_bytes());
    let request = RawRequest {
        labels,
        query,
        headers: headers(&sent["headers"]),
        body,
    };
    let actual =
        read(suite.service, suite.protocol(), operation, request).map_err(|error| error.to_string())?;
    let expected = suite
        .input()
        .map_or(Value::Null, |shape| model::tree(shape, &case["params"]));
    same(&model::comparable(actual), &model::comparable(expected))
}

fn same<T: PartialEq + Debug>(actual: &T, expected: &T) -> Result<(), String> {
    if actual == expected {
        Ok(())
    } else {
        Err(format!("{actual:?} is not {expected:?}"))
    }
}

fn headers(pairs: &Value) -> HeaderMap {
    let pairs = pairs.as_object().into_iter().flatten();
    pairs
        .map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_str(value.as_str().unwrap()).unwrap())
        })
        .collect()
}

/// The tree of the case's result becomes its answer.
fn answer(suite: &Suite, case: &Value) -> Result<(), String> {
    if case.get("error").is_some() {
        return Ok(());
    }
    let operation = &suite.service.operations[0];
    let tree = suite
        .output()
        .map_or(Value::Null, |shape| model::tree(shape, &case["result"]));
    let response =
        write(suite.protocol(), operation, tree, RequestId::new()).map_err(|error| error.to_string())?;
    let expected = &case["response"];
    same(&Value::from(response.status().as_u16()), &expected["status_code"])?;
    for (name, value) in &headers(&expected["headers"]) {
        if name != "x-amz-target" && name != "content-type" {
            same(&response.headers().get(name), &Some(value))?;
        }
    }
    let body = block_on(response.into_body());
    let wanted = expected["body"].as_str().unwrap_or_default().trim();
    same_body(suite.protocol(), &body, wanted)
}

fn same_body(protocol: Protocol, body: &str, wanted: &str) -> Result<(), String> {
    match (protocol, serde_json::from_str::<Value>(wanted)) {
        (Protocol::Query { .. }, _) => same(&texts(body), &texts(wanted)),
        _ if ["", "{}"].contains(&wanted) && ["", "{}"].contains(&body) => Ok(()),
        (_, Ok(wanted)) => {
            let body: Value = serde_json::from_str(body).map_err(|error| format!("{error} in {body}"))?;
            same(&model::comparable(body), &model::comparable(wanted))
        }
        (_, Err(_)) => same(&body, &wanted),
    }
}

/// The texts of an XML document's result, each with the names of the elements it is in, sorted:
/// the order of elements says nothing.
fn texts(xml: &str) -> Vec<String> {
    let (mut inside, mut texts) = (Vec::new(), Vec::new());
    let mut opened = false;
    for part in xml.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or((part, ""));
        if tag.starts_with('/') {
            if std::mem::take(&mut opened) {
                texts.push(inside.join("/"));
            }
            inside.pop();
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        inside.push(format!("{name}{}", text.trim()));
        opened = true;
        if tag.ends_with('/') {
            texts.push(inside.join("/"));
            inside.pop();
            opened = false;
        }
    }
    texts.retain(|text| text.contains("Result/"));
    texts.sort();
    texts
}

fn block_on(body: crate::Body) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let body = runtime.block_on(body.collect()).map(|body| body.to_bytes());
    String::from_utf8(body.unwrap_or_default().to_vec()).unwrap()
}

impl Suite {
    fn protocol(&self) -> Protocol {
        self.service.protocols[0]
    }

    fn input(&self) -> Option<&'static Shape> {
        self.service.operations[0]
            .shapes
            .as_ref()
            .and_then(|shapes| shapes.input)
    }

    fn output(&self) -> Option<&'static Shape> {
        self.service.operations[0]
            .shapes
            .as_ref()
            .and_then(|shapes| shapes.output)
    }
}
