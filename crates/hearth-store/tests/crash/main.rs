//! Killed at any moment, the store has everything it acknowledged and nothing by half.
//!
//! A test starts its own binary again as a victim, which does its work and prints a line for everything that
//! was acknowledged to it; the test kills it with SIGKILL, looks at what is on disk, and starts the next.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, reason = "victims report what was acknowledged")]

mod packages;
mod state;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How often a victim is killed.
const ROUNDS: usize = 24;
/// Tells a victim where to work.
const DIRECTORY: &str = "HEARTH_TEST_CRASH";
/// What the lines of a victim begin with, among those of the test harness.
const ACKNOWLEDGED: &str = "acknowledged ";

/// Keeps the tests of this binary apart: a process that one starts would for a moment hold the locks of the other.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where this process is to work as a victim; `None` where it is an ordinary test.
fn victim_directory() -> Option<PathBuf> {
    std::env::var_os(DIRECTORY).map(PathBuf::from)
}

/// Any number below `end`.
fn random(end: u64) -> u64 {
    RandomState::new().build_hasher().finish() % end
}

/// A process that will be killed, at the latest when the test ends.
struct Victim {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Victim {
    /// Starts a test of this binary as a victim.
    fn start(test: &str, dir: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", test, "--nocapture"])
            .env(DIRECTORY, dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// The next thing that was acknowledged, `None` once the victim is dead.
    fn acknowledgement(&mut self) -> Option<String> {
        self.lines
            .find_map(|line| Some(line.ok()?.strip_prefix(ACKNOWLEDGED)?.to_owned()))
    }

    /// Lets the victim live for a random while, until it has printed `most` lines at most, and kills it; answers
    /// what it has printed.
    fn kill_at_random(mut self, most: u64) -> Vec<String> {
        let mut acknowledged = Vec::new();
        if random(4) == 0 {
            // Perhaps before it has opened anything.
            thread::sleep(Duration::from_micros(random(30_000)));
        } else {
            let wanted = 1 + random(most) as usize;
            while acknowledged.len() < wanted
                && let Some(line) = self.acknowledgement()
            {
                acknowledged.push(line);
            }
            thread::sleep(Duration::from_micros(random(3_000)));
        }
        assert_eq!(
            self.process.try_wait().unwrap(),
            None,
            "the victim ended by itself"
        );
        self.process.kill().unwrap();
        while let Some(line) = self.acknowledgement() {
            acknowledged.push(line);
        }
        acknowledged
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
