//! Environments made by a real warden. The same tests run in every tier. They need what the tier needs
//! (`sandbox`: root) and a Python; without them every test of the tier is skipped, and says so. Root runs the
//! tests of the tier `rootless` as the user nobody, and those of the tier `process` as both.
//!
//! `HEARTH_TEST_BASE` names a directory to use as the base instead of the host's root.
//!
//! This program is its own launcher, warden and server: it starts itself again with one of these words.

mod attacks;
mod bare;
mod crowd;
mod deaths;
mod environment;
mod folders;
mod freeze;
mod hostile_server;
mod leftovers;
mod life;
mod many;
mod network;
mod node;
mod programs;
mod runtimes;
mod server;
mod tier;
mod wrappers;

use std::process::ExitCode;

use hearth_sandbox::Tier;
use hearth_sandbox::launcher::{self, SERVER_COMMAND, WARDEN_COMMAND};
use libtest_mimic::{Arguments, Failed, Trial};

/// The result of a test.
type Outcome = Result<(), Failed>;
/// A test and its name.
type Test = (&'static str, fn() -> Outcome);

/// Tests that belong together.
fn suite(name: &str, tests: &[Test]) -> Vec<Trial> {
    tests
        .iter()
        .map(|&(test, run)| Trial::test(format!("{name}::{test}"), run))
        .collect()
}

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(WARDEN_COMMAND) => hearth_sandbox::warden::main(),
        Some(SERVER_COMMAND) => server::main(),
        Some(deaths::LAUNCH_COMMAND) => deaths::launch(),
        _ => run_tests(),
    }
}

fn run_tests() -> ExitCode {
    let mut arguments = Arguments::from_args();
    let Some(tier) = tier::chosen() else {
        return tier::run_all();
    };
    let _turn = turn(tier);
    // What a test leaves behind must not be taken for what another is just using.
    arguments.test_threads.get_or_insert(1);
    if tier == Tier::Process {
        bare::forbid_walls();
    }
    let reason = missing(tier);
    if let Some(reason) = &reason {
        eprintln!("skipping every test of the tier {tier}: {reason}");
    }
    let mut suites = vec![
        attacks::trials(),
        deaths::trials(),
        folders::trials(),
        freeze::trials(),
        life::trials(),
        many::trials(),
        runtimes::trials(),
        wrappers::trials(),
    ];
    match tier {
        Tier::Sandbox | Tier::Rootless => {
            suites.extend([crowd::trials(), hostile_server::trials(), network::trials()])
        }
        Tier::Process => suites.push(bare::trials()),
    }
    let trials = suites.into_iter().flatten().map(|trial| {
        trial
            .with_kind(tier.to_string())
            .with_ignored_flag(reason.is_some())
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Waits until no other run of these tests is under way on this machine: they count processes by user.
fn turn(tier: Tier) -> std::io::Result<std::fs::File> {
    let name = match tier {
        Tier::Sandbox | Tier::Rootless => format!("hearth-{tier}-tests.lock"),
        // It is run by more than one user.
        Tier::Process => format!("{}.lock", leftovers::mark()),
    };
    let lock = std::fs::File::create(std::env::temp_dir().join(name))?;
    lock.lock()?;
    Ok(lock)
}

/// What this machine lacks for these tests.
fn missing(tier: Tier) -> Option<String> {
    let requirements = launcher::requirements(tier, launcher::Launch::SERVER, launcher::Launch::ENVIRONMENTS);
    let unmet = requirements
        .iter()
        .find(|requirement| requirement.needed && !requirement.met);
    match unmet {
        Some(unmet) => Some(format!("{} ({}): {}", unmet.name, unmet.found, unmet.advice)),
        None if programs::pythons().is_empty() => Some("there is no python3".into()),
        None => launcher::prepare(tier).err().map(|error| error.to_string()),
    }
}
