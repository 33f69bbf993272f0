//! InvokeWithResponseStream: the messages of an answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hearth_lambda::LambdaOptions;
use hearth_wire::EventDecoder;
use serde_json::{Value, json};

use crate::support::{Answer, Node};

impl Node {
    async fn stream(&self, name: &str, headers: &[(&str, &str)], payload: &str) -> Answer {
        let path = format!("/2021-11-15/functions/{name}/response-streaming-invocations");
        self.send("POST", &path, headers, payload.to_owned()).await
    }
}

/// Name and payload of each message.
fn messages(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.headers["content-type"],
        "application/vnd.amazon.eventstream"
    );
    assert_eq!(answer.headers["x-amz-executed-version"], "$LATEST");
    let mut decoder = EventDecoder::new();
    decoder.push(&answer.body);
    let mut messages = Vec::new();
    while let Some(message) = decoder.next_message().unwrap() {
        assert_eq!(message.message_type, "event");
        let payload = String::from_utf8(message.payload.to_vec()).unwrap();
        messages.push((message.name, payload));
    }
    assert!(decoder.is_empty());
    messages
}

fn complete((name, payload): &(String, String)) -> Value {
    assert_eq!(name, "InvokeComplete");
    serde_json::from_str(payload).unwrap()
}

#[tokio::test]
async fn an_answer_is_chunks_and_how_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), LambdaOptions::default()).await;
    node.create("echo", "index.echo").await;
    let found = messages(&node.stream("echo", &[], "{\"a\":1}").await);
    assert_eq!(found[0], ("PayloadChunk".into(), "{\"a\":1}".into()));
    assert_eq!(complete(&found[1]), json!({}));
    assert_eq!(found.len(), 2);

    let found = messages(&node.stream("echo", &[("x-amz-log-type", "Tail")], "1").await);
    let tail = complete(&found[1])["LogResult"].as_str().unwrap().to_owned();
    assert_eq!(STANDARD.decode(tail).unwrap(), b"START\nEND\n");
}

#[tokio::test]
async fn a_failure_is_told_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), LambdaOptions::default()).await;
    node.create("fails", "index.fail").await;
    let found = messages(&node.stream("fails", &[], "1").await);
    let expected =
        json!({"ErrorCode": "Unhandled", "ErrorDetails": r#"{"errorMessage":"no","errorType":"Error"}"#});
    assert_eq!(found.len(), 1);
    assert_eq!(complete(&found[0]), expected);

    node.create("stream", "index.stream").await;
    let found = messages(&node.stream("stream", &[], "1").await);
    assert_eq!(found[0], ("PayloadChunk".into(), "one ".into()));
    assert_eq!(found[1], ("PayloadChunk".into(), "two".into()));
    assert_eq!(complete(&found[2]), expected);
}

#[tokio::test]
async fn what_does_not_run_is_an_ordinary_error() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), LambdaOptions::default()).await;
    for (name, handler, status, code) in [
        ("throttled", "index.throttled", 429, "TooManyRequestsException"),
        ("broken", "index.broken", 500, "ServiceException"),
        ("closing", "index.closing", 503, "ServiceUnavailableException"),
    ] {
        node.create(name, handler).await;
        let answer = node.stream(name, &[], "{}").await;
        assert_eq!(answer.status, status, "{name}");
        assert_eq!(answer.headers["x-amzn-errortype"], code);
    }
}
