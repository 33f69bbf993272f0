//! Asynchronous invocations: accepted means on disk, and on disk means attempted.

use std::path::Path;
use std::time::Duration;

use hearth_lambda::LambdaOptions;
use hearth_store::QueueName;
use serde_json::json;

use crate::support::fake::FakeEngine;
use crate::support::{Node, eventually};

const FUNCTIONS: &str = "/2015-03-31/functions";

/// AWS's rules at a hundredth of a second instead of a minute.
fn fast() -> LambdaOptions {
    LambdaOptions {
        retry_delays: vec![Duration::from_millis(100), Duration::from_millis(200)],
        back_off: Duration::from_millis(10),
        ..LambdaOptions::default()
    }
}

async fn waiting(node: &Node) -> u64 {
    node.store.depth(&QueueName::new("invocations")).await.unwrap()
}

async fn settled(node: &Node) {
    eventually("no event is left", async || waiting(node).await == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_runs_once_with_the_id_it_was_accepted_with() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), fast()).await;
    node.create("f", "index.echo").await;
    let answer = node.invoke("f", "Event", "{\"a\":1}").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (202, ""));
    settled(&node).await;
    let runs = node.engine.runs("f");
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].payload, "{\"a\":1}");
    assert_eq!(answer.headers["x-amzn-requestid"], runs[0].request_id.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_function_gets_three_attempts() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), fast()).await;
    node.create("f", "index.fail").await;
    node.invoke("f", "Event", "{}").await;
    settled(&node).await;
    let runs = node.engine.runs("f");
    assert_eq!(runs.len(), 3);
    assert!(runs.iter().all(|run| run.request_id == runs[0].request_id));
    let waits = [runs[1].at_ms - runs[0].at_ms, runs[2].at_ms - runs[1].at_ms];
    assert!(waits[0] >= 100 && waits[1] >= 200, "{waits:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_failure_is_followed_by_one_success() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), fast()).await;
    node.create("f", "index.fail_once").await;
    node.invoke("f", "Event", "{}").await;
    settled(&node).await;
    assert_eq!(node.engine.runs("f").len(), 2);
}

/// Events that are sent away come back at once, so that there is always one due.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_never_runs_empty_moves_on() {
    let dir = tempfile::tempdir().unwrap();
    let options = LambdaOptions {
        concurrent_events: 40,
        ..fast()
    };
    let node = Node::start(dir.path(), options).await;
    node.create("f", "index.echo").await;
    for _ in 0..300 {
        node.invoke("f", "Event", "{}").await;
    }
    settled(&node).await;
    assert_eq!(node.engine.runs("f").len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_event_is_not_an_attempt() {
    let dir = tempfile::tempdir().unwrap();
    let options = LambdaOptions {
        retry_delays: Vec::new(),
        ..fast()
    };
    let node = Node::start(dir.path(), options).await;
    node.create("f", "index.throttled_once").await;
    node.invoke("f", "Event", "{}").await;
    settled(&node).await;
    assert_eq!(node.engine.runs("f").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_grows_too_old_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let options = LambdaOptions {
        event_age: Duration::from_millis(150),
        ..fast()
    };
    let node = Node::start(dir.path(), options).await;
    node.create("f", "index.throttled").await;
    node.invoke("f", "Event", "{}").await;
    assert_eq!(waiting(&node).await, 1);
    settled(&node).await;
    assert!(node.engine.runs("f").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_deleted_function_are_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let options = LambdaOptions {
        back_off: Duration::from_millis(50),
        ..fast()
    };
    let node = Node::start(dir.path(), options).await;
    node.create("f", "index.throttled").await;
    node.invoke("f", "Event", "{}").await;
    node.send("DELETE", &format!("{FUNCTIONS}/f"), &[], "").await;
    settled(&node).await;
}

/// Events that were accepted, that run, and that wait for their retry all survive.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_accepted_is_lost_when_the_node_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), fast()).await;
    node.create("hanging", "index.hang").await;
    node.create("failing", "index.fail").await;
    let mut accepted = Vec::new();
    for _ in 0..20 {
        for name in ["hanging", "failing"] {
            let answer = node.invoke(name, "Event", "{}").await;
            assert_eq!(answer.status, 202);
            accepted.push(answer.headers["x-amzn-requestid"].to_str().unwrap().to_owned());
        }
    }
    eventually("some run", async || !node.engine.runs("hanging").is_empty()).await;
    let killed = node.engine.clone();
    node.kill().await;

    let node = start_released(dir.path()).await;
    settled(&node).await;
    let runs = [
        node.engine.runs("hanging"),
        node.engine.runs("failing"),
        killed.runs("failing"),
    ]
    .concat();
    for id in &accepted {
        assert!(runs.iter().any(|run| run.request_id == *id), "{id} was lost");
    }
}

/// A node on which hanging functions end at once.
async fn start_released(dir: &Path) -> Node {
    let engine = FakeEngine::new();
    engine.hung.add_permits(1000);
    Node::start_with(dir, fast(), engine).await
}

/// A function that hangs, with more events than there are places, does not keep another one waiting.
#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_hangs_delays_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(
        dir.path(),
        LambdaOptions {
            concurrent_events: 8,
            ..fast()
        },
    )
    .await;
    node.create("hanging", "index.hang").await;
    node.create("quick", "index.echo").await;
    for _ in 0..40 {
        assert_eq!(node.invoke("hanging", "Event", "{}").await.status, 202);
    }
    eventually("it hangs", async || !node.engine.runs("hanging").is_empty()).await;
    for round in 1..=10 {
        assert_eq!(node.invoke("quick", "Event", "{}").await.status, 202);
        eventually("the quick one runs", async || {
            node.engine.runs("quick").len() == round
        })
        .await;
    }
    assert!(node.engine.runs("hanging").len() < 8);
    node.engine.hung.add_permits(1000);
    settled(&node).await;
    assert_eq!(node.engine.runs("hanging").len(), 40);
}

/// A run that outlasts its lease is not started a second time.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_run_keeps_its_event() {
    let dir = tempfile::tempdir().unwrap();
    let options = LambdaOptions {
        // Long enough for a disk that takes its time.
        event_lease: Duration::from_millis(500),
        ..fast()
    };
    let node = Node::start(dir.path(), options).await;
    node.create("f", "index.hang").await;
    node.create("g", "index.echo").await;
    node.invoke("f", "Event", "{}").await;
    eventually("it runs", async || node.engine.runs("f").len() == 1).await;
    // Several leases' worth of other work.
    for round in 1..=5 {
        node.invoke("g", "Event", "{}").await;
        eventually("g runs", async || node.engine.runs("g").len() >= round).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    node.engine.hung.add_permits(1);
    settled(&node).await;
    assert_eq!(node.engine.runs("f").len(), 1);
}

/// Closing waits for what runs and leaves the rest on disk.
#[tokio::test(flavor = "multi_thread")]
async fn closing_leaves_what_has_not_begun() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(
        dir.path(),
        LambdaOptions {
            concurrent_events: 1,
            ..fast()
        },
    )
    .await;
    node.create("f", "index.hang").await;
    for _ in 0..3 {
        node.invoke("f", "Event", "{}").await;
    }
    eventually("it runs", async || node.engine.runs("f").len() == 1).await;
    node.engine.hung.add_permits(1);
    node.lambda.close().await;
    let left = waiting(&node).await;
    assert!((2..=3).contains(&left), "{left}");
    let body = json!({}).to_string();
    assert_eq!(node.invoke("f", "Event", &body).await.status, 202);
    assert_eq!(waiting(&node).await, left + 1);
}
