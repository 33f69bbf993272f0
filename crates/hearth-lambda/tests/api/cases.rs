//! Runs the cases of `cases/lambda`: requests through the router, answers compared with what is expected.

use std::fs;
use std::path::{Path, PathBuf};

use hearth_lambda::LambdaOptions;
use serde_json::Value;

use crate::pattern::compare;
use crate::support::{self, ACCOUNT, Answer, Node};
use crate::template::{Template, read};

#[tokio::test(flavor = "multi_thread")]
async fn every_case_is_answered_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/lambda");
    let shapes = read(&folder.join("shapes.json"));
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    cases.sort();
    assert!(cases.len() > 20, "the cases are missing");
    let mut failures = Vec::new();
    for case in &cases {
        if let Err(failure) = run(case, &shapes).await {
            failures.push(format!("{}: {failure}", case.file_name().unwrap().display()));
        }
    }
    let (failed, all) = (failures.len(), cases.len());
    assert!(
        failed == 0,
        "{failed} of {all} cases fail:\n{}",
        failures.join("\n")
    );
}

async fn run(case: &Path, shapes: &Value) -> Result<(), String> {
    let (requests, expected) = (
        read(&case.join("requests.json")),
        read(&case.join("expected.json")),
    );
    let (requests, expected) = (requests.as_array().unwrap(), expected.as_array().unwrap());
    if requests.len() != expected.len() {
        return Err(format!(
            "{} requests but {} answers",
            requests.len(),
            expected.len()
        ));
    }
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), LambdaOptions::default()).await;
    let mut template = Template {
        shapes,
        answers: Vec::new(),
    };
    for (index, (request, expected)) in requests.iter().zip(expected).enumerate() {
        let answer = perform(&node, request, &template).await;
        check(&answer, &template.fill(expected)).map_err(|difference| {
            let body: String = String::from_utf8_lossy(&answer.body).chars().take(2000).collect();
            format!(
                "request {index}: {difference}\n    answer: {} {body}",
                answer.status
            )
        })?;
        template.answers.push(answer.json());
    }
    node.lambda.close().await;
    Ok(())
}

async fn perform(node: &Node, request: &Value, template: &Template<'_>) -> Answer {
    if let Some(ready) = request["ready"].as_bool() {
        node.engine.set_ready(ready);
    }
    let line = request["request"].as_str().expect("a request has a line");
    let (method, path) = line.split_once(' ').expect("a line is METHOD /path");
    let mut headers: Vec<(&str, &str)> = members(&request["headers"])
        .map(|(name, value)| (name, value.as_str().expect("a header is a text")))
        .collect();
    headers.extend(request["account"].as_str().map(|account| (ACCOUNT, account)));
    let body = match (&request["body"], &request["text"]) {
        (_, Value::String(text)) => text.clone(),
        (Value::Null, _) => String::new(),
        (body, _) => template.fill(body).to_string(),
    };
    if !request["until"].is_null() {
        support::eventually(&format!("{line} answers {}", request["until"]), async || {
            let answer = node.send(method, path, &headers, body.clone()).await.json();
            members(&request["until"]).all(|(member, value)| answer[member] == *value)
        })
        .await;
    }
    node.send(method, path, &headers, body).await
}

fn check(answer: &Answer, expected: &Value) -> Result<(), String> {
    if expected["status"] != answer.status.as_u16() {
        return Err(format!("the status is not {}", expected["status"]));
    }
    for (name, value) in members(&expected["headers"]) {
        let header = answer.headers.get(name).and_then(|value| value.to_str().ok());
        compare(
            &header.map_or(Value::Null, Value::from),
            value,
            &format!("header {name}"),
        )?;
    }
    match &expected["body"] {
        Value::Null if answer.body.is_empty() => Ok(()),
        Value::Null => Err("the body is not empty".into()),
        body => compare(&answer.json(), body, "body"),
    }
}

fn members(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    object
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}
