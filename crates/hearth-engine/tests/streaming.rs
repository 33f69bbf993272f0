//! Responses that are handed over while they come, on a stand-in for the sandbox.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hearth_engine::{Function, InvokeError, Outcome, ResponseStream};
use serde_json::{Value, json};
use support::{Stage, invocation, until};
use tokio::time::timeout;

const MIB: u64 = 1024 * 1024;

async fn open(stage: &Stage, function: &Arc<Function>, event: Value) -> ResponseStream {
    stage
        .engine
        .invoke_streaming(function, invocation(event))
        .await
        .unwrap()
}

/// Takes everything: the chunks, and how it ended.
async fn read(mut stream: ResponseStream) -> (Vec<String>, Outcome) {
    let mut chunks = Vec::new();
    while let Some(chunk) = stream.chunk().await {
        chunks.push(String::from_utf8(chunk.to_vec()).unwrap());
    }
    (chunks, stream.outcome().await.unwrap())
}

fn text(outcome: &Outcome) -> &str {
    std::str::from_utf8(&outcome.payload).unwrap()
}

#[tokio::test]
async fn chunks_come_while_the_function_runs() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    let event = json!({"do": "stream", "chunks": 3, "size": 2, "then": "hang"});
    let mut stream = open(&stage, &function, event).await;
    assert_eq!(stream.head().content_type.as_deref(), Some("text/plain"));
    for expected in ["aa", "bb", "cc"] {
        assert_eq!(stream.chunk().await.unwrap(), expected);
    }
    assert_eq!(stage.engine.statistics().running, 1);
}

#[tokio::test]
async fn a_stream_ends_with_the_outcome() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    let mut wish = invocation(json!({"do": "stream", "chunks": 2, "size": 1}));
    wish.tail = true;
    let stream = stage.engine.invoke_streaming(&function, wish).await.unwrap();
    let (chunks, outcome) = read(stream).await;
    assert_eq!(chunks.concat(), "ab");
    assert!(outcome.error.is_none() && outcome.payload.is_empty());
    assert!(
        String::from_utf8_lossy(&outcome.log_tail.unwrap()).starts_with("START"),
        "the tail is there"
    );
    until(|| stage.engine.statistics().idle == 1).await;
    let (_, again) = read(open(&stage, &function, json!({"do": "count"})).await).await;
    assert!(again.init_duration.is_none(), "the environment is reused");
}

#[tokio::test]
async fn a_response_may_end_before_its_invocation() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|spec| spec.timeout = Duration::from_millis(300));
    let event = json!({"do": "stream", "chunks": 2, "size": 1, "then": "linger"});
    let mut stream = open(&stage, &function, event).await;
    assert_eq!(stream.chunk().await.unwrap(), "a");
    assert_eq!(stream.chunk().await.unwrap(), "b");
    assert_eq!(stream.chunk().await, None);
    assert!(stream.is_complete());
    assert_eq!(stage.engine.statistics().running, 1);
    let outcome = stream.outcome().await.unwrap();
    assert_eq!(outcome.error.unwrap().error_type, "Sandbox.Timedout");
}

#[tokio::test]
async fn a_whole_response_is_one_chunk() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    let size = 3 * MIB;
    let stream = open(&stage, &function, json!({"do": "large", "size": size})).await;
    assert_eq!(stream.head().content_type, None);
    let (chunks, outcome) = read(stream).await;
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0].len() as u64, size);
    assert!(outcome.error.is_none());
}

#[tokio::test]
async fn a_caller_that_wants_it_whole_gets_a_stream_whole() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    let event = json!({"do": "stream", "chunks": 4, "size": 1});
    let outcome = stage.engine.invoke(&function, invocation(event)).await.unwrap();
    assert_eq!(text(&outcome), "abcd");
    let event = json!({"do": "stream", "chunks": 4, "size": 1, "then": "raise"});
    let outcome = stage.engine.invoke(&function, invocation(event)).await.unwrap();
    assert!(text(&outcome).contains("ValueError") && outcome.error.is_some());
    // 7 MiB are fine for a stream, but not for a whole response.
    let event = json!({"do": "stream", "chunks": 28, "size": MIB / 4});
    let outcome = stage.engine.invoke(&function, invocation(event)).await.unwrap();
    assert!(
        text(&outcome).contains("maximum allowed payload size (6291556 bytes)"),
        "{}",
        text(&outcome)
    );
}

/// Every way to fail after the first byte: what came before stands, and the outcome says why.
#[tokio::test]
async fn failures_come_after_what_was_written() {
    for (then, message, status) in [
        ("raise", r#""errorType":"ValueError""#, ""),
        ("exit", "exit status 7", "Runtime.ExitError"),
        ("oom", "signal: killed", "Runtime.OutOfMemory"),
        ("hang", "Task timed out after 0.30 seconds", "timeout"),
    ] {
        let stage = Stage::new(|_| {});
        let function = stage.deploy(|spec| spec.timeout = Duration::from_millis(300));
        let event = json!({"do": "stream", "chunks": 3, "size": 1, "then": then});
        let mut stream = open(&stage, &function, event).await;
        let mut chunks = Vec::new();
        while let Some(chunk) = stream.chunk().await {
            chunks.push(chunk);
        }
        assert_eq!(chunks.concat(), b"abc", "{then}");
        assert!(!stream.is_complete());
        let outcome = stream.outcome().await.unwrap();
        assert!(text(&outcome).contains(message), "{then}: {}", text(&outcome));
        assert_eq!(outcome.error.unwrap().kind, "Unhandled");
        let report = stage.log.messages().pop().unwrap();
        assert!(
            report.starts_with("REPORT") && report.contains(status),
            "{report}"
        );
        assert_eq!(stage.engine.statistics().running, 0);
    }
}

#[tokio::test]
async fn failures_before_the_first_byte_give_no_chunk() {
    for (event, message) in [
        (json!({"do": "raise"}), "ValueError"),
        (json!({"do": "exit"}), "Runtime.ExitError"),
        (json!({"do": "hang"}), "Sandbox.Timedout"),
        (json!({"do": "stream_twice"}), "a stream was announced too late"),
    ] {
        let stage = Stage::new(|_| {});
        let function = stage.deploy(|spec| spec.timeout = Duration::from_millis(300));
        let (chunks, outcome) = read(open(&stage, &function, event).await).await;
        assert!(chunks.is_empty());
        assert!(text(&outcome).contains(message), "{}", text(&outcome));
        assert!(outcome.error.is_some());
    }
}

/// What no bootstrap does ends the environment.
#[tokio::test]
async fn a_stream_that_is_not_the_protocol_fails() {
    for (event, message) in [
        ("stream_on", "a chunk came after the end"),
        ("stream_late", "a stream was announced too late"),
    ] {
        let stage = Stage::new(|_| {});
        let function = stage.deploy(|_| {});
        let (_, outcome) = read(open(&stage, &function, json!({"do": event})).await).await;
        assert!(text(&outcome).contains(message), "{event}: {}", text(&outcome));
        until(|| stage.sandbox.live() == 0).await;
    }
}

#[tokio::test]
async fn what_does_not_run_is_refused_before_a_stream() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    function.retire();
    let refused = stage
        .engine
        .invoke_streaming(&function, invocation(json!({})))
        .await;
    assert!(matches!(refused, Err(InvokeError::Retired)));
}

#[tokio::test]
async fn a_stream_has_a_limit() {
    let stage = Stage::new(|options| options.streamed_response_bytes = 10);
    let function = stage.deploy(|_| {});
    let exact = json!({"do": "stream", "chunks": 5, "size": 2});
    let (chunks, outcome) = read(open(&stage, &function, exact).await).await;
    assert_eq!((chunks.concat().len(), outcome.error), (10, None));
    let over = json!({"do": "stream", "chunks": 6, "size": 2});
    let (chunks, outcome) = read(open(&stage, &function, over).await).await;
    assert_eq!(chunks.concat().len(), 10);
    assert!(
        text(&outcome).contains("maximum allowed payload size (10 bytes)"),
        "{}",
        text(&outcome)
    );
    assert_eq!(outcome.error.unwrap().error_type, "Function.ResponseSizeTooLarge");
}

/// A client that does not read holds its function to a few buffers, and nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_slows_its_own_function_only() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|spec| spec.timeout = Duration::from_secs(60));
    let (chunks, size) = (800, MIB / 4);
    let event = json!({"do": "stream", "chunks": chunks, "size": size});
    let mut slow = open(&stage, &function, event).await;
    let sent = || stage.sandbox.streamed.load(Ordering::SeqCst);
    let mut before = u64::MAX;
    while before != sent() {
        before = sent();
        // Others run meanwhile, streams and whole responses.
        for _ in 0..20 {
            let other = open(&stage, &function, json!({"do": "large", "size": MIB})).await;
            assert_eq!(read(other).await.0.concat().len() as u64, MIB);
        }
    }
    // The window, the chunks that wait, and what the socket holds.
    assert!(sent() <= 4 * MIB, "{} bytes were sent to nobody", sent());
    let mut taken = 0;
    while let Some(chunk) = slow.chunk().await {
        taken += chunk.len() as u64;
    }
    assert_eq!(taken, chunks * size);
    assert!(slow.outcome().await.unwrap().error.is_none());
}

#[tokio::test]
async fn time_runs_out_for_a_reader_that_takes_nothing() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|spec| spec.timeout = Duration::from_millis(300));
    let event = json!({"do": "stream", "chunks": 100, "size": MIB / 4});
    let stream = open(&stage, &function, event).await;
    until(|| stage.sandbox.live() == 0).await;
    let (chunks, outcome) = read(stream).await;
    assert!(!chunks.is_empty() && chunks.len() < 10, "{} chunks", chunks.len());
    assert_eq!(outcome.error.unwrap().error_type, "Sandbox.Timedout");
}

/// As on AWS: the function runs on to its end, for nobody.
#[tokio::test]
async fn a_client_that_hangs_up_stops_nothing() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    let event = json!({"do": "stream", "chunks": 40, "size": MIB / 4});
    drop(open(&stage, &function, event).await);
    until(|| stage.engine.statistics().idle == 1).await;
    assert_eq!(stage.sandbox.streamed.load(Ordering::SeqCst), 10 * MIB);
    assert!(stage.log.messages().pop().unwrap().starts_with("REPORT"));

    // The same before the response begins.
    let waiting = open(&stage, &function, json!({"do": "sleep", "ms": 50}));
    assert!(timeout(Duration::from_millis(5), waiting).await.is_err());
    until(|| stage.engine.statistics().idle == 1).await;
    assert_eq!(stage.engine.statistics().running, 0);
    assert_eq!(stage.sandbox.boots.load(Ordering::SeqCst), 1);
}

/// Callers that read everything, a part, or nothing, of streams that end well or badly: in the end nothing is counted
/// as running, and every environment that lives waits for its next invocation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_any_stream() {
    let stage = Stage::new(|_| {});
    // Only those that hang reach it, each call once at most; the others may take long on a busy machine.
    let function = stage.deploy(|spec| spec.timeout = Duration::from_secs(5));
    let calls = (0..60u32).map(|number| {
        let (engine, function) = (stage.engine.clone(), Arc::clone(&function));
        tokio::spawn(async move {
            for round in 0..4u32 {
                let then = ["", "raise", "exit", "oom", "hang", ""][((number + round * 5) % 6) as usize];
                let size = if number % 3 == 0 { MIB / 4 } else { 10 };
                let event = json!({"do": "stream", "chunks": 12, "size": size, "then": then});
                let mut stream = engine
                    .invoke_streaming(&function, invocation(event))
                    .await
                    .unwrap();
                let take = [usize::MAX, 0, 1, 5][((number + round) % 4) as usize];
                let mut taken = 0;
                while taken < take && stream.chunk().await.is_some() {
                    taken += 1;
                }
                if take == usize::MAX {
                    assert_eq!(taken, 12, "{then}");
                    assert_eq!(stream.is_complete(), then.is_empty());
                    assert_eq!(stream.outcome().await.unwrap().error.is_none(), then.is_empty());
                }
            }
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    until(|| stage.engine.statistics().running == 0).await;
    until(|| stage.engine.statistics().idle == stage.sandbox.live()).await;
    let reports = |line: &String| line.starts_with("REPORT");
    assert_eq!(
        stage.log.messages().iter().filter(|line| reports(line)).count(),
        240
    );
}
