//! What is counted of invocations, on a stand-in for the sandbox.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use hearth_engine::{Conclusion, InvocationRecord, InvokeError};
use serde_json::json;
use support::{Stage, invocation, until};

const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:f";

fn records(stage: &Stage) -> Vec<InvocationRecord> {
    let records = stage.counted.records.lock().unwrap();
    records.iter().map(|(_, record)| *record).collect()
}

/// The log's report lines.
fn reports(stage: &Stage) -> Vec<String> {
    let mut log = stage.log.messages();
    log.retain(|line| line.starts_with("REPORT"));
    log
}

#[tokio::test]
async fn each_end_is_counted_as_what_it_is() {
    let ends = [
        (json!({}), Conclusion::Success),
        (json!({"do": "raise"}), Conclusion::Error),
        (json!({"do": "large", "size": 7_000_000}), Conclusion::Error),
        (json!({"do": "hang"}), Conclusion::Timeout),
        (json!({"do": "exit", "code": 3}), Conclusion::Crash),
        (json!({"do": "oom"}), Conclusion::OutOfMemory),
    ];
    for (event, conclusion) in ends {
        let stage = Stage::new(|_| {});
        let function = stage.deploy(|spec| spec.timeout = Duration::from_millis(500));
        stage
            .engine
            .invoke(&function, invocation(event.clone()))
            .await
            .unwrap();
        let records = records(&stage);
        assert_eq!(records.len(), 1, "{event}");
        assert_eq!(records[0].conclusion, conclusion, "{event}");
        assert!(records[0].cold && records[0].init.is_some(), "{event}");
    }
}

#[tokio::test]
async fn a_record_says_what_the_report_says() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    for _ in 0..2 {
        let event = json!({"do": "print", "text": "x"});
        stage.engine.invoke(&function, invocation(event)).await.unwrap();
    }
    let (records, reports) = (records(&stage), reports(&stage));
    assert_eq!((records.len(), reports.len()), (2, 2));
    for (record, report) in records.iter().zip(&reports) {
        let millis = record.duration.as_secs_f64() * 1000.0;
        assert!(
            report.contains(&format!("\tDuration: {millis:.2} ms\t")),
            "{report}"
        );
        let billed = record.billed_ms();
        assert!(
            report.contains(&format!("\tBilled Duration: {billed} ms\t")),
            "{report}"
        );
        assert_eq!(
            record.init.is_some(),
            report.contains("Init Duration"),
            "{report}"
        );
        assert_eq!((record.memory_mb, record.running.function), (128, 1));
        assert_eq!(record.bytes_in, r#"{"do":"print","text":"x"}"#.len() as u64);
        assert_eq!(record.bytes_out, "null".len() as u64);
    }
    assert!(records[0].cold && !records[1].cold);
    assert!(records[0].waited >= records[0].init.unwrap());
}

/// AWS repeats an init that fails inside the invocation, whose duration it then is.
#[tokio::test]
async fn an_init_that_fails_is_one_failed_invocation() {
    for (handler, conclusion) in [
        ("init.fail", Conclusion::Error),
        ("init.exit", Conclusion::Crash),
        ("init.hang", Conclusion::Timeout),
    ] {
        let stage = Stage::new(|options| options.init_timeout = Duration::from_millis(300));
        let function = stage.deploy(|spec| {
            spec.handler = handler.into();
            spec.timeout = Duration::from_millis(300);
        });
        stage
            .engine
            .invoke(&function, invocation(json!({})))
            .await
            .unwrap();
        let records = records(&stage);
        assert_eq!(records.len(), 1, "{handler}");
        assert_eq!(
            (records[0].conclusion, records[0].init),
            (conclusion, None),
            "{handler}"
        );
        let billed = format!("\tBilled Duration: {} ms\t", records[0].billed_ms());
        assert!(reports(&stage)[0].contains(&billed), "{handler}");
    }
}

#[tokio::test]
async fn what_is_refused_is_a_throttle_and_no_invocation() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    stage.engine.set_reserved(&function.spec().arn, Some(0)).unwrap();
    let refused = stage.engine.invoke(&function, invocation(json!({}))).await;
    assert!(matches!(refused, Err(InvokeError::Throttled(_))));
    assert_eq!(stage.counted.throttles.load(Ordering::Relaxed), 1);
    assert_eq!(records(&stage).len(), 0);
}

#[tokio::test]
async fn what_an_invocation_was_called_by_is_told() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    for qualifier in [None, Some("live")] {
        let mut wish = invocation(json!({}));
        wish.invoked_arn = match qualifier {
            Some(name) => format!("{ARN}:{name}"),
            None => ARN.to_owned(),
        };
        stage.engine.invoke(&function, wish).await.unwrap();
    }
    let records = stage.counted.records.lock().unwrap();
    let told: Vec<_> = records
        .iter()
        .map(|(qualifier, _)| qualifier.as_deref())
        .collect();
    assert_eq!(told, [None, Some("live")]);
}

/// A caller who hangs up changes nothing.
#[tokio::test]
async fn a_stream_is_counted_when_it_ends_whoever_listens() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    let event = json!({"do": "stream", "chunks": 3, "size": 10, "ms": 1});
    let stream = stage
        .engine
        .invoke_streaming(&function, invocation(event))
        .await
        .unwrap();
    drop(stream);
    until(|| !records(&stage).is_empty()).await;
    assert_eq!(records(&stage)[0].bytes_out, 30);
}

#[tokio::test]
async fn those_that_run_together_count_one_another() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    let wish = || invocation(json!({"do": "sleep", "ms": 50}));
    let (one, two) = tokio::join!(
        stage.engine.invoke(&function, wish()),
        stage.engine.invoke(&function, wish())
    );
    one.unwrap();
    two.unwrap();
    let most = records(&stage).iter().map(|record| record.running.function).max();
    assert_eq!(most, Some(2));
}
