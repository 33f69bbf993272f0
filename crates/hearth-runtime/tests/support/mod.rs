//! Bootstraps as plain child processes: no sandbox, but the real socket, pipe and files.

mod case;
mod collected;
mod expected;
mod outcome;
mod process;
mod scene;

pub(crate) use case::Case;
pub(crate) use outcome::{Answer, Outcome};
pub(crate) use process::{Process, Start};
pub(crate) use scene::{Scene, install};

use std::path::Path;

use bytes::Bytes;
use hearth_runtime::{DiscoverySettings, Family, InstalledRuntime, Places, discover};

/// One interpreter of each release on this machine.
pub(crate) fn interpreters(family: Family) -> Vec<InstalledRuntime> {
    let settings = DiscoverySettings {
        places: Places::of_user(),
        ..DiscoverySettings::default()
    };
    let mut installed = discover(&settings).installed;
    installed.retain(|runtime| runtime.family == family);
    installed.dedup_by(|a, b| family.matches(a.version, b.version));
    installed
}

/// Runs a case from the start of the interpreter to its end, with the bootstrap in this folder and what another has
/// `prepared` or in place of it.
pub(crate) fn run(
    case: &Case,
    interpreter: &InstalledRuntime,
    bootstrap: &Path,
    start: Start,
    prepared: &mut Bytes,
) -> Outcome {
    let scene = Scene::new(interpreter, bootstrap);
    case.copy_to(&scene.task());
    let variables = scene.variables(case);
    let mut process = Process::start(&scene, start, &variables, prepared);
    // As the server does with environments that it keeps ready.
    let pings = if start == Start::Ready { 2 } else { 0 };
    (0..pings).for_each(|_| assert!(process.ping(), "it ended at a ping"));
    let given = (start != Start::Deferred).then_some(&variables);
    let init = process.claim(&case.handler, given, &scene.task());
    let mut answers = Vec::new();
    for event in case.events.iter().filter(|_| init == Answer::Claimed) {
        answers.push(process.invoke(answers.len() as u64 + 1, event));
        if answers.last() == Some(&Answer::Ended) {
            break;
        }
    }
    let (exit, log) = process.finish();
    scene.generalise(Outcome {
        init,
        answers,
        exit,
        log,
    })
}
