//! A whole warm invocation on a stand-in for the sandbox, with its START, END and REPORT lines.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on panics")]

#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;
use support::{Stage, invocation};

fn warm(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let stage = runtime.block_on(async { Stage::new(|_| {}) });
    let function = stage.deploy(|_| {});
    criterion.bench_function("warm invocation", |bencher| {
        bencher.iter(|| {
            let invocation = invocation(json!({"key": "value"}));
            runtime
                .block_on(stage.engine.invoke(&function, invocation))
                .unwrap()
        });
    });
}

criterion_group!(benches, warm);
criterion_main!(benches);
