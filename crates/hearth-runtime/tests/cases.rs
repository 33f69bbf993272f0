//! The bootstraps against the folders of `cases/runtimes`, on every installed interpreter.
//!
//! Each case runs twice: in an interpreter that was started before it knew its function, and in one that
//! was started with the function's variables. Both must give what the case expects, and the same.

#![allow(clippy::unwrap_used, reason = "helpers of a test may panic as the test may")]

mod support;

use std::path::Path;

use hearth_runtime::{Family, InstalledRuntime};
use support::{Case, Start, interpreters, run};

#[test]
fn nodejs() {
    check(Family::Nodejs);
}

#[test]
fn python() {
    check(Family::Python);
}

fn check(family: Family) {
    let interpreters = interpreters(family);
    if interpreters.is_empty() {
        eprintln!("skipped: no {} on this machine", family.title());
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/runtimes");
    let cases: Vec<Case> = Case::all(&folder)
        .into_iter()
        .filter(|case| case.is_for(family))
        .collect();
    assert!(!cases.is_empty(), "{} has no case for {family}", folder.display());
    let failures = std::thread::scope(|scope| {
        let cases = &cases;
        let check = |interpreter| scope.spawn(move || check_all(cases, interpreter));
        let running: Vec<_> = interpreters.iter().map(check).collect();
        running
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert!(
        failures.is_empty(),
        "{} failures\n\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}

fn check_all(cases: &[Case], interpreter: &InstalledRuntime) -> Vec<String> {
    let suitable = cases.iter().filter(|case| case.suits(interpreter.version));
    suitable.flat_map(|case| check_case(case, interpreter)).collect()
}

/// What is wrong with a case on one interpreter.
fn check_case(case: &Case, interpreter: &InstalledRuntime) -> Vec<String> {
    let title = format!("{} on {} {}", case.name, interpreter.family, interpreter.version);
    let outcomes = [Start::Ready, Start::Deferred].map(|start| (start, run(case, interpreter, start)));
    let [(_, ready), (_, deferred)] = &outcomes;
    let mut failures = Vec::new();
    if ready != deferred {
        failures.push(format!(
            "{title}: starts differ\nready:    {ready}\ndeferred: {deferred}"
        ));
    }
    for (start, outcome) in &outcomes {
        if let Err(difference) = case.expected.matches(outcome) {
            failures.push(format!("{title}, {start:?}: {difference}\n{outcome}"));
        }
    }
    failures
}
