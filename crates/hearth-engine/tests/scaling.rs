//! Which environment an invocation gets, and when: on a stand-in for the sandbox, where a start takes as long as it says
//! and the clock waits for nobody.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hearth_engine::{Code, FolderIndex, Function, Invocation, InvokeError, Outcome, ThrottleReason};
use serde_json::{Value, json};
use support::{Machine, Stage, invocation, until};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

type Run = JoinHandle<Result<Outcome, InvokeError>>;

fn spawn(stage: &Stage, function: &Arc<Function>, invocation: Invocation) -> Run {
    let (engine, function) = (stage.engine.clone(), Arc::clone(function));
    tokio::spawn(async move { engine.invoke(&function, invocation).await })
}

fn begin(stage: &Stage, function: &Arc<Function>, event: Value) -> Run {
    spawn(stage, function, invocation(event))
}

async fn ends(run: Run) -> Outcome {
    let outcome = run.await.unwrap().unwrap();
    assert!(outcome.error.is_none(), "{outcome:?}");
    outcome
}

async fn all_end(runs: Vec<Run>) {
    for run in runs {
        ends(run).await;
    }
}

async fn run(stage: &Stage, function: &Arc<Function>, event: Value) -> Outcome {
    ends(begin(stage, function, event)).await
}

fn sleeping(ms: u64) -> Value {
    json!({"do": "sleep", "ms": ms})
}

fn boots(stage: &Stage) -> usize {
    stage.sandbox.boots.load(Ordering::SeqCst)
}

fn boot_takes(stage: &Stage, ms: u64) {
    stage.sandbox.boot_ms.store(ms, Ordering::SeqCst);
}

async fn runs(stage: &Stage, count: u32) {
    until(|| stage.engine.statistics().running == count).await;
}

/// A function of which it is known that a start takes a second and an invocation next to nothing.
async fn quick(stage: &Stage) -> Arc<Function> {
    boot_takes(stage, 1000);
    let function = stage.deploy(|spec| spec.timeout = Duration::from_secs(60));
    for _ in 0..10 {
        run(stage, &function, json!({})).await;
    }
    assert_eq!(boots(stage), 1);
    function
}

#[tokio::test(start_paused = true)]
async fn every_invocation_of_a_burst_that_takes_long_gets_its_environment() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    for round in 0..2 {
        let begun = Instant::now();
        let burst = (0..100).map(|_| begin(&stage, &function, sleeping(1000)));
        all_end(burst.collect()).await;
        assert!(
            begun.elapsed() < Duration::from_millis(1900),
            "{round}: {:?}",
            begun.elapsed()
        );
        assert_eq!(boots(&stage), 100);
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_that_takes_no_time_shares_a_few_environments() {
    let stage = Stage::new(|_| {});
    let function = quick(&stage).await;
    let burst = (0..100).map(|_| begin(&stage, &function, json!({})));
    all_end(burst.collect()).await;
    assert_eq!(boots(&stage), 1);
    assert_eq!(stage.engine.scaling().waits, 100);
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_for_half_a_start_gets_one() {
    let stage = Stage::new(|_| {});
    let function = quick(&stage).await;
    let long = begin(&stage, &function, sleeping(30_000));
    runs(&stage, 1).await;
    let begun = Instant::now();
    run(&stage, &function, json!({})).await;
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_millis(1500) && took < Duration::from_millis(1600),
        "{took:?}"
    );
    assert!(!long.is_finished());
}

#[tokio::test(start_paused = true)]
async fn who_may_have_been_called_by_what_runs_does_not_wait_for_it() {
    let stage = Stage::new(|_| {});
    let function = quick(&stage).await;
    let of_trace = |event, trace: &str| Invocation {
        trace: Some(trace.to_owned()),
        ..invocation(event)
    };
    let caller = spawn(
        &stage,
        &function,
        of_trace(sleeping(30_000), "Root=1-2-3;Parent=4"),
    );
    runs(&stage, 1).await;
    let begun = Instant::now();
    ends(spawn(
        &stage,
        &function,
        of_trace(json!({}), "Root=1-2-3;Parent=5"),
    ))
    .await;
    assert!(
        begun.elapsed() < Duration::from_millis(1100),
        "{:?}",
        begun.elapsed()
    );
    assert!(!caller.is_finished());
    caller.abort();
}

#[tokio::test(start_paused = true)]
async fn whichever_environment_is_free_first_is_used() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    let first = begin(&stage, &function, sleeping(300));
    until(|| boots(&stage) == 1).await;
    boot_takes(&stage, 5000);
    let begun = Instant::now();
    let second = run(&stage, &function, json!({"do": "count"})).await;
    assert!(
        begun.elapsed() < Duration::from_millis(400),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(&second.payload[..], b"2");
    ends(first).await;
    // What was started for it comes to the others.
    assert_eq!(boots(&stage), 2);
    until(|| stage.engine.statistics().idle == 2).await;
    let third = begin(&stage, &function, sleeping(100));
    runs(&stage, 1).await;
    let fourth = run(&stage, &function, json!({"do": "count"})).await;
    assert!(third.await.unwrap().unwrap().init_duration.is_some() != fourth.init_duration.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_start_that_nobody_needs_any_more_is_not_begun() {
    let stage = Stage::new(|options| options.parallel_boots = 1);
    boot_takes(&stage, 1000);
    let function = stage.deploy(|_| {});
    let burst = (0..50).map(|_| begin(&stage, &function, sleeping(10)));
    all_end(burst.collect()).await;
    assert_eq!(boots(&stage), 2);
    until(|| stage.engine.scaling().starting == 0).await;
    let scaling = stage.engine.scaling();
    assert_eq!((scaling.starts, scaling.needless_starts), (2, 48));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_an_environment_that_is_lost_is_not_forgotten() {
    let stage = Stage::new(|_| {});
    let function = quick(&stage).await;
    let lost = begin(&stage, &function, json!({"do": "exit", "code": 1}));
    let begun = Instant::now();
    let others = (0..5).map(|_| begin(&stage, &function, json!({})));
    all_end(others.collect()).await;
    assert!(lost.await.unwrap().unwrap().error.is_some());
    // At once, and not when the first loses its patience.
    assert!(
        begun.elapsed() < Duration::from_millis(1200),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn turns_to_start_go_round() {
    let stage = Stage::new(|options| options.parallel_boots = 1);
    boot_takes(&stage, 100);
    let (many, one) = (
        stage.deploy(|spec| spec.timeout = Duration::from_secs(60)),
        stage.deploy(|_| {}),
    );
    let burst: Vec<_> = (0..50).map(|_| begin(&stage, &many, sleeping(10_000))).collect();
    until(|| boots(&stage) == 2).await;
    let begun = Instant::now();
    run(&stage, &one, json!({})).await;
    assert!(
        begun.elapsed() < Duration::from_millis(310),
        "{:?}",
        begun.elapsed()
    );
    all_end(burst).await;
}

#[tokio::test(start_paused = true)]
async fn an_init_that_takes_long_keeps_no_other_function_waiting() {
    let stage = Stage::new(|options| options.parallel_boots = 1);
    let (slow, other) = (
        stage.deploy(|spec| spec.handler = "init.hang".into()),
        stage.deploy(|_| {}),
    );
    let hangs: Vec<_> = (0..10).map(|_| begin(&stage, &slow, json!({}))).collect();
    until(|| stage.sandbox.claims.load(Ordering::SeqCst) == 10).await;
    let begun = Instant::now();
    run(&stage, &other, json!({})).await;
    assert!(
        begun.elapsed() < Duration::from_millis(100),
        "{:?}",
        begun.elapsed()
    );
    hangs.iter().for_each(JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn who_comes_after_a_change_does_not_wait_for_old_code() {
    const FOLDER: FolderIndex = FolderIndex(3);
    let stage = Stage::new(|_| {});
    boot_takes(&stage, 1000);
    let function = stage.deploy(|spec| spec.code = Code::Folder(FOLDER));
    for _ in 0..10 {
        run(&stage, &function, json!({})).await;
    }
    let old = begin(&stage, &function, sleeping(2000));
    runs(&stage, 1).await;
    // It counts on the one that runs, and must not any more.
    let waits = begin(&stage, &function, json!({"do": "count"}));
    runs(&stage, 2).await;
    stage.engine.renew(FOLDER);
    let begun = Instant::now();
    let (waits, after) = (
        ends(waits).await,
        run(&stage, &function, json!({"do": "count"})).await,
    );
    assert_eq!((&waits.payload[..], &after.payload[..]), (&b"1"[..], &b"2"[..]));
    assert!(
        begun.elapsed() < Duration::from_millis(1100),
        "{:?}",
        begun.elapsed()
    );
    ends(old).await;
    until(|| stage.sandbox.live() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_when_its_revision_is_replaced_is_answered() {
    let stage = Stage::new(|_| {});
    let function = quick(&stage).await;
    let first = begin(&stage, &function, sleeping(200));
    runs(&stage, 1).await;
    let waits = begin(&stage, &function, json!({"do": "count"}));
    runs(&stage, 2).await;
    function.retire();
    ends(first).await;
    assert_eq!(&ends(waits).await.payload[..], b"12");
    until(|| stage.sandbox.live() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn the_environment_idle_longest_makes_room() {
    let machine = Arc::new(Machine::default());
    let stage = Stage::on(Arc::clone(&machine), |options| options.memory_reserve_mb = 100);
    let functions = [(); 3].map(|()| stage.deploy(|_| {}));
    for function in &functions {
        run(&stage, function, json!({})).await;
        sleep(Duration::from_millis(10)).await;
    }
    let busy = begin(&stage, &functions[0], sleeping(2500));
    runs(&stage, 1).await;
    // An environment gives 60 MiB back; the next is expected to take 30 MiB and a quarter.
    machine.set_available(80);
    let before = stage.sandbox.live();
    machine.and_for_each_less_than(&stage.sandbox, before, 60);
    let fourth = stage.deploy(|_| {});
    run(&stage, &fourth, json!({})).await;
    assert_eq!(stage.engine.scaling().evicted, 1);
    machine.set_available(1000);
    for (function, count) in [(&functions[1], b"1"), (&functions[2], b"2")] {
        assert_eq!(
            &run(&stage, function, json!({"do": "count"})).await.payload[..],
            count
        );
    }
    ends(busy).await;
}

#[tokio::test(start_paused = true)]
async fn under_pressure_idle_environments_end_and_running_ones_stay() {
    let machine = Arc::new(Machine::default());
    let stage = Stage::on(Arc::clone(&machine), |options| options.memory_reserve_mb = 100);
    let function = stage.deploy(|_| {});
    all_end((0..5).map(|_| begin(&stage, &function, sleeping(100))).collect()).await;
    let busy = begin(&stage, &function, sleeping(2500));
    runs(&stage, 1).await;
    machine.set_available(90);
    until(|| stage.sandbox.live() == 1).await;
    ends(busy).await;
    assert_eq!(stage.engine.scaling().evicted, 4);
}

#[tokio::test(start_paused = true)]
async fn without_room_who_can_wait_for_a_busy_environment_does_and_others_are_throttled() {
    let machine = Arc::new(Machine::default());
    let stage = Stage::on(Arc::clone(&machine), |options| options.memory_reserve_mb = 100);
    let (busy, other) = (
        stage.deploy(|spec| spec.timeout = Duration::from_secs(60)),
        stage.deploy(|_| {}),
    );
    let long = begin(&stage, &busy, sleeping(30_000));
    until(|| stage.engine.scaling().starts == 1).await;
    machine.set_available(100);
    let waits = begin(&stage, &busy, json!({"do": "count"}));
    let begun = Instant::now();
    let refused = begin(&stage, &other, json!({})).await.unwrap();
    assert!(matches!(
        refused,
        Err(InvokeError::Throttled(
            ThrottleReason::ConcurrentInvocationLimitExceeded
        ))
    ));
    assert!(begun.elapsed() > Duration::from_secs(9), "{:?}", begun.elapsed());
    assert_eq!(&ends(waits).await.payload[..], b"2");
    ends(long).await;
    assert_eq!(boots(&stage), 1);
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_starts_does_not_count_on_the_same_memory() {
    let machine = Arc::new(Machine::default());
    let stage = Stage::on(Arc::clone(&machine), |options| {
        options.memory_reserve_mb = 100;
        options.parallel_boots = 100;
    });
    let function = stage.deploy(|_| {});
    run(&stage, &function, json!({})).await;
    boot_takes(&stage, 1000);
    // Room for four of 30 MiB and a quarter.
    machine.set_available(255);
    let burst: Vec<_> = (0..20)
        .map(|_| begin(&stage, &function, sleeping(2000)))
        .collect();
    sleep(Duration::from_millis(500)).await;
    assert_eq!(boots(&stage), 1 + 4);
    machine.set_available(10_000);
    all_end(burst).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_idle_for_a_while_is_frozen_and_thawed_when_it_is_needed() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    all_end((0..40).map(|_| begin(&stage, &function, sleeping(10))).collect()).await;
    assert_eq!(stage.sandbox.frozen(), 0);
    until(|| stage.sandbox.frozen() == 40).await;
    assert_eq!(stage.engine.scaling().frozen, 40);
    let runs = begin(&stage, &function, sleeping(2500));
    until(|| stage.sandbox.frozen() == 39).await;
    assert_eq!(
        &run(&stage, &function, json!({"do": "count"})).await.payload[..],
        b"2"
    );
    ends(runs).await;
    // What runs is not frozen, however long it takes.
    assert_eq!(stage.sandbox.live() - stage.sandbox.frozen(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_busy_function_is_never_frozen() {
    let stage = Stage::new(|_| {});
    let function = stage.deploy(|_| {});
    for _ in 0..50 {
        run(&stage, &function, json!({})).await;
        sleep(Duration::from_millis(100)).await;
        assert_eq!(stage.sandbox.frozen(), 0);
    }
}

/// An extension is asked to end, which it would not hear if it were frozen.
#[tokio::test(start_paused = true)]
async fn what_is_asked_to_end_is_thawed_before() {
    let stage = Stage::new(|_| {});
    stage.sandbox.has_network.store(true, Ordering::SeqCst);
    let function = stage.deploy(|spec| spec.handler = "init.extension".into());
    run(&stage, &function, json!({})).await;
    until(|| stage.sandbox.frozen() == 1).await;
    function.retire();
    until(|| stage.log.messages().iter().any(|line| line == "asked to end")).await;
    until(|| stage.sandbox.live() == 0).await;
    assert_eq!(stage.engine.scaling().frozen, 0);
}

#[tokio::test(start_paused = true)]
async fn memory_of_frozen_environments_is_given_back_like_that_of_others() {
    let machine = Arc::new(Machine::default());
    let stage = Stage::on(Arc::clone(&machine), |options| options.memory_reserve_mb = 100);
    let function = stage.deploy(|_| {});
    run(&stage, &function, json!({})).await;
    until(|| stage.sandbox.frozen() == 1).await;
    machine.set_available(90);
    until(|| stage.sandbox.live() == 0).await;
    assert_eq!(stage.engine.scaling().frozen, 0);
}
