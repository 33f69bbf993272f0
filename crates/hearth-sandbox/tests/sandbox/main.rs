//! Environments made by a real warden. Needs root; without it every test is skipped, and says so.
//!
//! This program is its own `warden` and `server`: the launcher starts it again with one of these words.
#![allow(clippy::print_stdout, reason = "a test runner talks to whoever started it")]

mod node;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// The result of a test.
type Outcome = Result<(), Failed>;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(hearth_sandbox::launcher::WARDEN_COMMAND) => hearth_sandbox::warden::main(),
        _ => run_tests(),
    }
}

fn run_tests() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Wardens are measured for what they leave behind.
    arguments.test_threads.get_or_insert(1);
    let trials = vec![Trial::test("boots", boots)];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn boots() -> Outcome {
    let node = node::Node::start()?;
    node.run(async |node| {
        let started = std::time::Instant::now();
        let mut environment = node.boot().await?;
        println!("booted after {:?}", started.elapsed());
        println!("{}", environment.call("ping").await?);
        println!("answered after {:?}", started.elapsed());
        Ok(())
    })
}
