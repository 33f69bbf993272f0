//! The bootstraps against the folders of `cases/runtimes`, on every installed interpreter.
//!
//! Each case runs three times: in an interpreter that waited for its function, in one that did not wait, and in one that
//! was started with the function's variables. All must give what the case expects, and the same.

#![allow(clippy::unwrap_used, reason = "helpers of a test may panic as the test may")]

mod support;

use std::path::Path;

use bytes::Bytes;
use hearth_runtime::{Family, InstalledRuntime};
use support::{Case, Start, install, interpreters, run};

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
    let bootstrap = install(interpreter);
    let suitable = cases.iter().filter(|case| case.suits(interpreter.version));
    suitable
        .flat_map(|case| check_case(case, interpreter, bootstrap.path()))
        .collect()
}

/// What is wrong with a case on one interpreter.
fn check_case(case: &Case, interpreter: &InstalledRuntime, bootstrap: &Path) -> Vec<String> {
    let title = format!("{} on {} {}", case.name, interpreter.family, interpreter.version);
    // The first prepares, the others are given it.
    let mut prepared = Bytes::new();
    let starts = [Start::Ready, Start::Now, Start::Deferred];
    let outcomes = starts.map(|start| (start, run(case, interpreter, bootstrap, start, &mut prepared)));
    let mut failures = Vec::new();
    if prepared.is_empty() == interpreter.family.prepares() {
        failures.push(format!("{title}: prepared {} bytes", prepared.len()));
    }
    let [(_, ready), others @ ..] = &outcomes;
    for (start, other) in others.iter().filter(|(_, other)| other != ready) {
        failures.push(format!(
            "{title}: starts differ\nReady: {ready}\n{start:?}: {other}"
        ));
    }
    for (start, outcome) in &outcomes {
        if let Err(difference) = case.expected.matches(outcome) {
            failures.push(format!("{title}, {start:?}: {difference}\n{outcome}"));
        }
    }
    failures
}
