//! The tiers that are tested, each in a process of its own.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use hearth_sandbox::Tier;
use rustix::process::{Resource, Rlimit};

use crate::leftovers;

/// Tells a process of these tests its tier.
const VARIABLE: &str = "HEARTH_TEST_TIER";
/// The user that root's tests run as where root's own rights would hide something.
const NOBODY: u32 = 65534;

/// The tier that this process tests, if it does.
pub(crate) fn chosen() -> Option<Tier> {
    static CHOSEN: OnceLock<Option<Tier>> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let name = std::env::var(VARIABLE).ok()?;
        Tier::ALL.into_iter().find(|tier| tier.to_string() == name)
    })
}

/// The same, in a process that does.
pub(crate) fn tier() -> Tier {
    chosen().expect("this process was started for a tier")
}

/// Runs the tests once for each tier, in the tier process as root and as an ordinary user.
pub(crate) fn run_all() -> ExitCode {
    let is_root = rustix::process::geteuid().is_root();
    let mut runs = vec![
        (Tier::Sandbox, false),
        (Tier::Rootless, is_root),
        (Tier::Process, false),
    ];
    if is_root {
        runs.push((Tier::Process, true));
    }
    let failed = runs
        .into_iter()
        .filter(|(tier, as_nobody)| !passes(*tier, *as_nobody))
        .count();
    ExitCode::from(u8::from(failed > 0))
}

fn passes(tier: Tier, as_nobody: bool) -> bool {
    let mut command = Command::new("/proc/self/exe");
    command
        .args(std::env::args_os().skip(1))
        .env(VARIABLE, tier.to_string());
    if as_nobody {
        command.env("HOME", "/").current_dir("/").gid(NOBODY).uid(NOBODY);
        allow_priority();
    }
    if tier == Tier::Process {
        let user = match as_nobody {
            true => NOBODY,
            false => rustix::process::geteuid().as_raw(),
        };
        command.env("TERM", leftovers::mark_of(user));
    }
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("cannot test the tier {tier}: {error}");
            false
        }
    }
}

/// As some systems allow those who make music: functions must not have inherited it.
fn allow_priority() {
    for (resource, limit) in [(Resource::Nice, 40), (Resource::Rtprio, 99)] {
        let limit = Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        };
        // Who may not has tests that can fail in fewer ways.
        let _ = rustix::process::setrlimit(resource, limit);
    }
}
