//! The life of invocations and environments, on a stand-in for the sandbox.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hearth_engine::{Code, FolderIndex, InvokeError, Outcome, ThrottleReason};
use hearth_runtime::{LogLevel, Logging};
use serde_json::{Value, json};
use support::{Stage, invocation, until};

async fn run(stage: &Stage, function: &Arc<hearth_engine::Function>, event: Value) -> Outcome {
    stage.engine.invoke(function, invocation(event)).await.unwrap()
}

fn text(outcome: &Outcome) -> &str {
    std::str::from_utf8(&outcome.payload).unwrap()
}

#[tokio::test]
async fn an_environment_is_reused_and_its_init_counted_once() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    let cold = run(&stage, &function, json!({"do": "count"})).await;
    let warm = run(&stage, &function, json!({"do": "count"})).await;
    assert_eq!((text(&cold), text(&warm)), ("1", "2"));
    assert!(cold.init_duration.is_some() && warm.init_duration.is_none());
    assert_eq!(stage.sandbox.boots.load(Ordering::SeqCst), 1);
    let log = stage.log.messages();
    assert!(
        log[0].starts_with("INIT_START Runtime Version: python:3.11.7\tRuntime Version ARN: arn:aws:lambda:")
    );
    let kinds: Vec<&str> = log.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(
        kinds,
        ["INIT_START", "START", "END", "REPORT", "START", "END", "REPORT"]
    );
    assert!(log[3].contains("\tInit Duration: ") && !log[6].contains("Init Duration"));
}

#[tokio::test]
async fn output_stands_between_start_and_end() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    let mut wish = invocation(json!({"do": "print", "text": "one\ntwo\nno line feed"}));
    wish.tail = true;
    let outcome = stage.engine.invoke(&function, wish).await.unwrap();
    let log = stage.log.messages();
    assert_eq!(log[2..5], ["one", "two", "no line feed"]);
    let tail = String::from_utf8(outcome.log_tail.unwrap().to_vec()).unwrap();
    assert_eq!(
        tail.lines().collect::<Vec<_>>(),
        log[1..].iter().map(String::as_str).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn lines_are_seen_while_the_function_runs() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    let running = stage.engine.invoke(&function, invocation(json!({"do": "hang"})));
    let seen = until(|| stage.log.messages().iter().any(|line| line.starts_with("START")));
    tokio::select! {
        _ = running => panic!("it has ended"),
        () = seen => {}
    }
}

#[tokio::test]
async fn a_log_of_json_has_events_and_keeps_what_matters() {
    let stage = Stage::new(|_| {});
    let json_form = |application, system| Logging::Json { application, system };
    let all = stage.deploy(|spec| spec.logging = json_form(LogLevel::Trace, LogLevel::Debug));
    let text = "plain\n{\"level\":\"debug\"}\n{\"level\":\"ERROR\"}\n";
    run(&stage, &all, json!({"do": "print", "text": text})).await;
    let log = stage.log.messages();
    let kind = |line: &String| {
        let event: Value = serde_json::from_str(line).unwrap_or_default();
        event["type"].as_str().unwrap_or(line).to_owned()
    };
    assert_eq!(
        log.iter().map(kind).collect::<Vec<_>>(),
        [
            "platform.initStart",
            "platform.initRuntimeDone",
            "platform.initReport",
            "platform.start",
            "plain",
            "{\"level\":\"debug\"}",
            "{\"level\":\"ERROR\"}",
            "platform.runtimeDone",
            "platform.report",
        ]
    );

    let stage = Stage::new(|_| {});
    let few = stage.deploy(|spec| {
        spec.logging = json_form(LogLevel::Warn, LogLevel::Warn);
        spec.timeout = Duration::from_millis(50);
    });
    run(&stage, &few, json!({"do": "print", "text": text})).await;
    run(&stage, &few, json!({"do": "hang"})).await;
    let log = stage.log.messages();
    assert_eq!(
        log.iter().map(kind).collect::<Vec<_>>(),
        [
            "plain",
            "{\"level\":\"ERROR\"}",
            "platform.runtimeDone",
            "platform.report"
        ]
    );
    assert!(log[3].contains(r#""status":"timeout""#), "{}", log[3]);
}

#[tokio::test]
async fn large_bodies_flow_both_ways() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    let event = json!({"fill": "x".repeat(6 * 1024 * 1024 - 100)});
    let outcome = run(&stage, &function, event.clone()).await;
    assert_eq!(text(&outcome), event.to_string());
}

#[tokio::test]
async fn a_function_error_leaves_the_environment_in_service() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    let outcome = run(&stage, &function, json!({"do": "raise"})).await;
    assert_eq!(
        text(&outcome),
        r#"{"errorMessage":"wrong","errorType":"ValueError"}"#
    );
    assert_eq!(outcome.error.unwrap().kind, "Unhandled");
    assert_eq!(text(&run(&stage, &function, json!({"do": "count"})).await), "2");
}

/// The environment is neither lost nor given to others before its function is done.
#[tokio::test]
async fn a_caller_who_hangs_up_leaves_the_invocation_running() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    for _ in 0..3 {
        let (engine, called) = (stage.engine.clone(), Arc::clone(&function));
        let event = invocation(json!({"do": "sleep", "ms": 30}));
        let caller = tokio::spawn(async move { engine.invoke(&called, event).await });
        until(|| stage.engine.statistics().running == 1).await;
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        assert_eq!(stage.engine.statistics().running, 1);
        until(|| stage.engine.statistics().running == 0).await;
        assert_eq!((stage.sandbox.live(), stage.engine.statistics().idle), (1, 1));
    }
    assert_eq!(text(&run(&stage, &function, json!({"do": "count"})).await), "4");
    let reports = stage.log.messages();
    let reports = reports.iter().filter(|line| line.starts_with("REPORT"));
    assert_eq!(reports.count(), 4);
}

/// Every way to lose an environment: the caller's answer, the REPORT line, and that the next one works.
#[tokio::test]
async fn a_lost_environment_is_replaced() {
    let cases = [
        (
            json!({"do": "exit", "code": 0}),
            "Runtime exited without providing a reason",
            "Runtime.ExitError",
        ),
        (
            json!({"do": "exit", "code": 7}),
            "Runtime exited with error: exit status 7",
            "Runtime.ExitError",
        ),
        (
            json!({"do": "oom"}),
            "Runtime exited with error: signal: killed",
            "Runtime.OutOfMemory",
        ),
        (
            json!({"do": "hang"}),
            "Task timed out after 0.30 seconds",
            "Status: timeout",
        ),
        (json!({"do": "garbage"}), "version", "Runtime.Unknown"),
        (
            json!({"do": "foreign"}),
            "unexpected end frame",
            "Runtime.Unknown",
        ),
        (
            json!({"do": "flood"}),
            "maximum allowed payload size",
            "Function.ResponseSizeTooLarge",
        ),
        (
            json!({"do": "large", "size": 6_291_557}),
            "maximum allowed payload size (6291556 bytes)",
            "Function.ResponseSizeTooLarge",
        ),
    ];
    for (event, message, status) in cases {
        let stage = Stage::new(|_| {});
        let function = stage.deploy(|spec| spec.timeout = Duration::from_millis(300));
        let outcome = run(&stage, &function, event.clone()).await;
        let payload: Value = serde_json::from_slice(&outcome.payload).unwrap();
        assert!(
            payload["errorMessage"].as_str().unwrap().contains(message),
            "{event}: {payload}"
        );
        assert_eq!(outcome.error.unwrap().kind, "Unhandled");
        let report = stage.log.messages().pop().unwrap();
        assert!(
            report.contains("Status: ") && report.contains(status),
            "{event}: {report}"
        );
        until(|| stage.sandbox.live() == 0).await;
        assert_eq!(
            text(&run(&stage, &function, json!({"do": "count"})).await),
            "1",
            "{event}"
        );
        assert_eq!(stage.engine.statistics().running, 0);
    }
}

#[tokio::test]
async fn the_largest_response_is_taken() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    let outcome = run(&stage, &function, json!({"do": "large", "size": 6_291_556})).await;
    assert_eq!((outcome.payload.len(), outcome.error), (6_291_556, None));
}

#[tokio::test]
async fn a_timeout_is_reported_in_aws_words() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|spec| spec.timeout = Duration::from_secs(1));
    let outcome = run(&stage, &function, json!({"do": "hang"})).await;
    assert_eq!(outcome.duration, Duration::from_secs(1));
    let log = stage.log.messages();
    assert!(
        log[2].ends_with(" Task timed out after 1.00 seconds\n"),
        "{}",
        log[2]
    );
    assert!(log[4].contains("\tDuration: 1000.00 ms\t"), "{}", log[4]);
}

/// The init is repeated inside the invocation; its failure is then the invocation's.
#[tokio::test]
async fn a_failing_init_is_tried_twice() {
    for (handler, status, kind) in [
        (
            "init.fail",
            "error\tError Type: Runtime.ImportModuleError",
            "Exception",
        ),
        (
            "init.exit",
            "error\tError Type: Runtime.ExitError",
            "Runtime.ExitError",
        ),
        ("init.hang", "timeout", "Sandbox.Timedout"),
    ] {
        let stage = Stage::new(|options| options.init_timeout = Duration::from_millis(100));
        let function = stage.deploy(|spec| {
            spec.handler = handler.into();
            spec.timeout = Duration::from_millis(200);
        });
        let outcome = run(&stage, &function, json!({})).await;
        let payload: Value = serde_json::from_slice(&outcome.payload).unwrap();
        assert_eq!(payload["errorType"], kind, "{handler}");
        let log = stage.log.messages();
        for phase in ["init", "invoke"] {
            let wanted = format!("\tPhase: {phase}\tStatus: {status}");
            assert!(
                log.iter()
                    .any(|line| line.starts_with("INIT_REPORT") && line.ends_with(&wanted)),
                "{log:?}"
            );
        }
        let report = log.last().unwrap();
        assert!(
            report.starts_with("REPORT") && report.ends_with(&format!("\tStatus: {status}\t")),
            "{report}"
        );
        until(|| stage.sandbox.live() == 0).await;
        assert_eq!(stage.sandbox.boots.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test]
async fn what_a_failing_init_has_told_is_not_lost_with_the_next_environment() {
    let stage = Stage::new(|_| {});
    stage.sandbox.grants.set(1).unwrap();
    let function = stage.deploy(|spec| spec.handler = "init.fail".into());
    let refused = stage.engine.invoke(&function, invocation(json!({}))).await;
    assert!(matches!(refused, Err(InvokeError::Environment(_))));
    let log = stage.log.messages();
    assert!(log.iter().any(|line| line.starts_with("INIT_REPORT")), "{log:?}");
}

/// In a burst of cold starts the last ones wait for longer than an init and an invocation may take.
#[tokio::test]
async fn waiting_for_a_turn_to_boot_is_not_the_functions_time() {
    for (handler, kind) in [
        ("app.handler", None),
        ("init.fail", Some("Runtime.ImportModuleError")),
    ] {
        let stage = Stage::new(|options| {
            options.parallel_boots = 1;
            options.init_timeout = Duration::from_millis(400);
        });
        stage.sandbox.boot_ms.store(50, Ordering::SeqCst);
        let function = stage.deploy(|spec| {
            spec.handler = handler.into();
            spec.timeout = Duration::from_millis(400);
        });
        let calls = (0..12).map(|_| {
            let (engine, function) = (stage.engine.clone(), Arc::clone(&function));
            tokio::spawn(async move { engine.invoke(&function, invocation(json!({}))).await.unwrap() })
        });
        for call in calls.collect::<Vec<_>>() {
            let outcome = call.await.unwrap();
            assert_eq!(
                outcome.error.as_ref().map(|error| error.error_type.as_str()),
                kind
            );
            assert!(outcome.init_duration.unwrap_or(outcome.duration) < Duration::from_millis(400));
        }
    }
}

#[tokio::test]
async fn limits_refuse_with_their_reason() {
    let stage = Stage::new(|options| options.account_concurrency = 101);
    let function = stage.deploy(|_| {});
    stage.engine.set_reserved(&function.spec().arn, Some(1)).unwrap();
    let busy = {
        let (engine, function) = (stage.engine.clone(), Arc::clone(&function));
        tokio::spawn(async move {
            engine
                .invoke(&function, invocation(json!({"do": "sleep", "ms": 200})))
                .await
        })
    };
    until(|| stage.engine.statistics().running == 1).await;
    let refused = stage.engine.invoke(&function, invocation(json!({}))).await;
    let Err(InvokeError::Throttled(reason)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        reason,
        ThrottleReason::ReservedFunctionConcurrentInvocationLimitExceeded
    );
    busy.await.unwrap().unwrap();
    run(&stage, &function, json!({})).await;
}

#[tokio::test]
async fn a_retired_revision_ends_and_refuses() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    let running = {
        let (engine, function) = (stage.engine.clone(), Arc::clone(&function));
        tokio::spawn(async move {
            engine
                .invoke(&function, invocation(json!({"do": "sleep", "ms": 50})))
                .await
        })
    };
    until(|| stage.engine.statistics().running == 1).await;
    function.retire();
    let refused = stage.engine.invoke(&function, invocation(json!({}))).await;
    assert!(matches!(refused, Err(InvokeError::Retired)));
    assert!(running.await.unwrap().unwrap().error.is_none());
    until(|| stage.sandbox.live() == 0).await;
}

#[tokio::test]
async fn a_changed_folder_starts_again_and_running_invocations_finish() {
    const FOLDER: FolderIndex = FolderIndex(3);
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|spec| spec.code = Code::Folder(FOLDER));
    let other = stage.deploy(|_| {});
    let count = async |function| text(&run(&stage, function, json!({"do": "count"})).await).to_owned();
    assert_eq!(count(&function).await, "1");
    assert_eq!(count(&function).await, "2");
    assert_eq!(count(&other).await, "1");
    // An idle environment ends, and only where the code is.
    stage.engine.renew(FolderIndex(4));
    assert_eq!(count(&function).await, "3");
    stage.engine.renew(FOLDER);
    until(|| stage.sandbox.live() == 1).await;
    assert_eq!(count(&function).await, "1");
    assert_eq!(count(&other).await, "2");
    // A running one finishes, and is not used again.
    let running = {
        let (engine, function) = (stage.engine.clone(), Arc::clone(&function));
        tokio::spawn(async move {
            engine
                .invoke(&function, invocation(json!({"do": "sleep", "ms": 100})))
                .await
        })
    };
    until(|| stage.engine.statistics().running == 1).await;
    stage.engine.renew(FOLDER);
    assert!(running.await.unwrap().unwrap().error.is_none());
    until(|| stage.sandbox.live() == 1).await;
    assert_eq!(count(&function).await, "1");
}

#[tokio::test]
async fn a_folder_that_is_gone_fails_what_runs_it_until_it_is_back() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|spec| spec.code = Code::Folder(FolderIndex(3)));
    let other = stage.deploy(|_| {});
    let count = json!({"do": "count"});
    run(&stage, &function, count.clone()).await;
    stage.sandbox.folders_are_gone.store(true, Ordering::SeqCst);
    let refused = stage.engine.invoke(&function, invocation(count.clone())).await;
    assert!(
        matches!(&refused, Err(InvokeError::Code(why)) if why == "Folder 3 is gone."),
        "{refused:?}"
    );
    run(&stage, &other, count.clone()).await;
    stage.sandbox.folders_are_gone.store(false, Ordering::SeqCst);
    assert_eq!(text(&run(&stage, &function, count).await), "2");
}

#[tokio::test]
async fn ready_environments_are_claimed_and_replaced() {
    let stage = Stage::new(|options| options.ready_environments = 1);
    let function = stage.deploy(|_| {});
    until(|| stage.engine.statistics().ready == 1).await;
    run(&stage, &function, json!({})).await;
    until(|| stage.engine.statistics().ready == 1).await;
    let other = stage.deploy(|spec| spec.log_group = "/other".into());
    assert_eq!(text(&run(&stage, &other, json!({"do": "count"})).await), "1");
    until(|| stage.engine.statistics().ready == 1).await;
    assert_eq!(stage.sandbox.claims.load(Ordering::SeqCst), 2);
    assert_eq!(stage.sandbox.boots.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn variables_that_the_loader_reads_force_a_start_of_their_own() {
    let stage = Stage::new(|options| options.ready_environments = 1);
    let variables = BTreeMap::from([("LD_PRELOAD".to_owned(), "/var/task/x.so".to_owned())]);
    let function = stage.deploy(|spec| spec.environment = Arc::new(variables));
    assert_eq!(text(&run(&stage, &function, json!({"do": "count"})).await), "1");
    assert_eq!(stage.engine.statistics().ready, 0);
}

#[tokio::test]
async fn what_a_function_could_prepare_is_given_to_nobody() {
    let stage = Stage::new(|_| {});
    let variables = BTreeMap::from([("LD_PRELOAD".to_owned(), "/var/task/x.so".to_owned())]);
    let own_start = stage.deploy(|spec| spec.environment = Arc::new(variables));
    let (first, second) = (stage.deploy(|_| {}), stage.deploy(|_| {}));
    let own_start_again = stage.deploy(|spec| spec.environment = Arc::clone(&own_start.spec().environment));
    for function in [&own_start, &first, &second, &own_start_again] {
        run(&stage, function, json!({})).await;
    }
    let given = stage.sandbox.given.lock().unwrap().clone();
    assert_eq!(given, ["", "", "ready", "ready"]);
}

#[tokio::test]
async fn an_interpreter_that_hangs_with_code_of_the_function_is_its_init_and_in_nobodys_way() {
    let variables = BTreeMap::from([("LD_PRELOAD".to_owned(), "hang".to_owned())]);
    let hanging = |stage: &Stage| {
        stage.deploy(|spec| {
            spec.environment = Arc::new(variables.clone());
            spec.timeout = Duration::from_millis(20);
        })
    };
    let stage = Stage::new(|options| options.init_timeout = Duration::from_millis(20));
    let function = hanging(&stage);
    let outcome = run(&stage, &function, json!({})).await;
    assert!(text(&outcome).contains("Sandbox.Timedout"), "{}", text(&outcome));

    let stage = Stage::new(|options| options.parallel_boots = 1);
    let (engine, function) = (stage.engine.clone(), hanging(&stage));
    let hangs = tokio::spawn(async move { engine.invoke(&function, invocation(json!({}))).await });
    until(|| stage.sandbox.claims.load(Ordering::SeqCst) == 1).await;
    let other = stage.deploy(|_| {});
    assert_eq!(text(&run(&stage, &other, json!({"do": "count"})).await), "1");
    assert!(!hangs.is_finished());
}

#[tokio::test]
async fn idle_environments_expire() {
    let stage = Stage::new(|options| options.keep_alive = Duration::ZERO);
    let function = stage.deploy(|_| {});
    run(&stage, &function, json!({})).await;
    until(|| stage.sandbox.live() == 0).await;
    run(&stage, &function, json!({})).await;
}

/// A function with an internal extension, if it has this handler.
fn with_network(handler: &str) -> (Stage, Arc<hearth_engine::Function>) {
    let stage = Stage::new(|_| {});
    stage.sandbox.has_network.store(true, Ordering::SeqCst);
    let function = stage.deploy(|spec| spec.handler = handler.into());
    (stage, function)
}

fn was_asked(stage: &Stage) -> bool {
    stage.log.messages().iter().any(|line| line == "asked to end")
}

#[tokio::test]
async fn an_environment_with_an_internal_extension_is_asked_to_end() {
    let (stage, function) = with_network("init.extension");
    assert!(run(&stage, &function, json!({})).await.error.is_none());
    function.retire();
    until(|| was_asked(&stage)).await;
    until(|| stage.sandbox.live() == 0).await;
}

#[tokio::test]
async fn an_internal_extension_hears_what_it_subscribes_to() {
    let (stage, function) = with_network("init.extension");
    run(&stage, &function, json!({"do": "print", "text": "printed\n"})).await;
    let heard = |what: &str| stage.sandbox.heard.lock().unwrap().contains(what);
    // What was before the subscription, and what comes after it.
    for what in ["platform.initStart", r#""record":"printed""#, "platform.report"] {
        until(|| heard(what)).await;
    }
}

#[tokio::test]
async fn what_does_not_end_when_asked_is_ended() {
    let (stage, function) = with_network("init.extension");
    stage.sandbox.is_deaf.store(true, Ordering::SeqCst);
    assert!(run(&stage, &function, json!({})).await.error.is_none());
    assert!(stage.engine.drain(Duration::from_secs(60)).await);
    assert_eq!(stage.sandbox.live(), 0);
    assert!(was_asked(&stage));
}

#[tokio::test]
async fn others_are_not_asked_to_end() {
    let (stage, function) = with_network("app.handler");
    assert!(run(&stage, &function, json!({})).await.error.is_none());
    assert!(stage.engine.drain(Duration::from_secs(60)).await);
    until(|| stage.sandbox.live() == 0).await;
    assert!(!was_asked(&stage));
}

#[tokio::test]
async fn what_has_failed_is_not_asked_to_end() {
    for wish in ["hang", "exit"] {
        let (stage, function) = with_network("init.extension");
        assert!(run(&stage, &function, json!({})).await.error.is_none());
        assert!(run(&stage, &function, json!({"do": wish})).await.error.is_some());
        until(|| stage.sandbox.live() == 0).await;
        assert!(!was_asked(&stage), "{wish}");
    }
}

#[tokio::test]
async fn draining_waits_for_what_runs() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    let running = {
        let (engine, function) = (stage.engine.clone(), Arc::clone(&function));
        tokio::spawn(async move {
            engine
                .invoke(&function, invocation(json!({"do": "sleep", "ms": 50})))
                .await
        })
    };
    until(|| stage.engine.statistics().running == 1).await;
    assert!(stage.engine.drain(Duration::from_secs(10)).await);
    assert!(running.await.unwrap().unwrap().error.is_none());
    let refused = stage.engine.invoke(&function, invocation(json!({}))).await;
    assert!(matches!(refused, Err(InvokeError::ShuttingDown)));
}

/// Every call gets its own answer, and when all are answered nothing is counted as running.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_never_drift_under_failures() {
    let stage = Stage::new(|options| options.account_concurrency = 1000);
    let function = stage.deploy(|spec| spec.timeout = Duration::from_millis(400));
    let calls = (0..200u32).map(|number| {
        let (engine, function) = (stage.engine.clone(), Arc::clone(&function));
        tokio::spawn(async move {
            for round in 0..5u32 {
                let id = format!("{number}-{round}");
                let event = match (number * 7 + round * 13) % 10 {
                    0 => json!({"do": "exit", "code": 1, "id": id}),
                    1 => json!({"do": "hang", "id": id}),
                    2 => json!({"do": "raise", "id": id}),
                    _ => json!({"do": "sleep", "ms": (number + round) % 20, "id": id}),
                };
                let outcome = engine.invoke(&function, invocation(event.clone())).await.unwrap();
                if event["do"] == "sleep" && outcome.error.is_none() {
                    let answer: Value = serde_json::from_slice(&outcome.payload).unwrap();
                    assert_eq!(answer, event);
                }
                assert_eq!(
                    outcome.error.is_some(),
                    event["do"] != "sleep",
                    "{event}: {:?}",
                    outcome.payload
                );
            }
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(stage.engine.statistics().running, 0);
    assert_eq!(stage.engine.statistics().idle, stage.sandbox.live());
    function.retire();
    until(|| stage.sandbox.live() == 0).await;
    let reports = stage
        .log
        .messages()
        .iter()
        .filter(|line| line.starts_with("REPORT"))
        .count();
    assert_eq!(reports, 1000);
}

/// What was printed just before the response is in the log of that invocation, not of the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_line_is_never_late() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    for number in 0..2000 {
        let line = format!("line {number}");
        run(&stage, &function, json!({"do": "print", "text": line})).await;
        let log = stage.log.messages();
        let end = log.len();
        assert!(
            log[end - 2].starts_with("END") && log[end - 3] == line,
            "{:?}",
            &log[end - 4..]
        );
    }
}

#[tokio::test]
async fn who_sends_without_a_pause_runs_out_of_time_too() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|spec| spec.timeout = Duration::from_millis(50));
    let outcome = run(&stage, &function, json!({"do": "babble", "ms": 100})).await;
    assert!(text(&outcome).contains("Task timed out"), "{}", text(&outcome));
    until(|| stage.sandbox.live() == 0).await;
}

#[tokio::test]
async fn who_sends_without_a_pause_leaves_others_their_turn() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    let turns = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&turns);
    run(&stage, &function, json!({})).await;
    let other = tokio::spawn(async move {
        loop {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    run(&stage, &function, json!({"do": "babble", "ms": 0})).await;
    other.abort();
    assert!(turns.load(Ordering::Relaxed) > 50, "{turns:?}");
}

#[tokio::test]
async fn ready_environments_that_no_function_needs_expire() {
    let stage = Stage::new(|options| {
        options.ready_environments = 1;
        options.keep_alive = Duration::from_millis(100);
    });
    let function = stage.deploy(|_| {});
    run(&stage, &function, json!({})).await;
    // As long as the function is there, one is kept.
    until(|| (stage.engine.statistics().ready, stage.sandbox.live()) == (1, 1)).await;
    function.retire();
    drop(function);
    until(|| stage.sandbox.live() == 0).await;
    assert_eq!(stage.engine.statistics().ready, 0);
}
