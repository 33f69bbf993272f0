//! The tiers that are tested, each in a process of its own.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use hearth_sandbox::Tier;
use rustix::process::{Resource, Rlimit};

/// Tells a process of these tests its tier.
const VARIABLE: &str = "HEARTH_TEST_TIER";
/// All of them.
const TIERS: [Tier; 2] = [Tier::Sandbox, Tier::Rootless];

/// The tier that this process tests, if it does.
pub(crate) fn chosen() -> Option<Tier> {
    static CHOSEN: OnceLock<Option<Tier>> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let name = std::env::var(VARIABLE).ok()?;
        TIERS.into_iter().find(|tier| tier.to_string() == name)
    })
}

/// The same, in a process that does.
pub(crate) fn tier() -> Tier {
    chosen().expect("this process was started for a tier")
}

/// Runs the tests once for each tier.
pub(crate) fn run_all() -> ExitCode {
    let failed = TIERS.into_iter().filter(|tier| !passes(*tier)).count();
    ExitCode::from(u8::from(failed > 0))
}

fn passes(tier: Tier) -> bool {
    let mut command = Command::new("/proc/self/exe");
    command
        .args(std::env::args_os().skip(1))
        .env(VARIABLE, tier.to_string());
    if tier == Tier::Rootless && rustix::process::geteuid().is_root() {
        const NOBODY: u32 = 65534;
        command.env("HOME", "/").current_dir("/").gid(NOBODY).uid(NOBODY);
        allow_priority();
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
