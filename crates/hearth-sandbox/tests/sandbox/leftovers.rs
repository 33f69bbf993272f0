//! Looking for what a warden leaves behind: processes, control groups and mounts.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hearth_sandbox::Tier;
use libtest_mimic::Failed;

use crate::Outcome;
use crate::node::{SERVER, USERS};
use crate::tier::tier;

/// What the environment of every process of a test's has in it, in the tier process, and the name of the directory that
/// environments have their files in.
pub(crate) fn mark() -> String {
    mark_of(rustix::process::geteuid().as_raw())
}

/// The same for the tests of another user.
pub(crate) fn mark_of(user: u32) -> String {
    format!("hearth-process-tests-{user}")
}

/// How long a busy machine may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What there was before a warden was started.
pub(crate) struct Before {
    mounts: String,
}

impl Before {
    pub(crate) fn look() -> Result<Self, Failed> {
        Ok(Self {
            mounts: fs::read_to_string("/proc/self/mountinfo")?,
        })
    }

    /// Fails if a warden that ended left anything.
    pub(crate) fn compare(&self, warden: u32) -> Outcome {
        wait_until("no process is left", || processes().is_empty())
            .map_err(|_| format!("these processes are left: {:?}", processes()))?;
        wait_until("no control group is left", || groups(warden).is_empty())
            .map_err(|_| format!("these control groups are left: {:?}", groups(warden)))?;
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        if mounts != self.mounts {
            return Err(format!("the mounts were\n{}\nand are\n{mounts}", self.mounts).into());
        }
        Ok(())
    }
}

/// Waits for a condition.
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) -> Outcome {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > deadline {
            return Err(format!("in vain waited until {what}").into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Processes of any environment or server of these tests.
pub(crate) fn processes() -> Vec<String> {
    let numbered = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .bytes()
                .all(|byte| byte.is_ascii_digit())
        });
    numbered.filter_map(|entry| owned(&entry.path())).collect()
}

/// The name and number of a process, if its user is one of ours.
fn owned(process: &Path) -> Option<String> {
    let status = fs::read_to_string(process.join("status")).ok()?;
    let field = |key: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .map(str::trim)
    };
    let uid: u32 = field("Uid:")?.split_whitespace().next()?.parse().ok()?;
    let ours = match tier() {
        Tier::Sandbox => uid == SERVER.uid || (USERS.first..USERS.first + USERS.count).contains(&uid),
        // All are this user's. They differ from this user's other processes in their namespace.
        Tier::Rootless => is_elsewhere(process) && field("Name:") != Some("hearth-warden"),
        Tier::Process => is_marked(process, field("Name:").unwrap_or_default()),
    };
    ours.then(|| {
        format!(
            "{} {} of user {uid}",
            field("Name:").unwrap_or("?"),
            field("Pid:").unwrap_or("?")
        )
    })
}

/// Whether a process was started by a test: as an interpreter, whose variables name a directory of the test's, or as the
/// server or a keeper, which have the variables that the test's own process has.
fn is_marked(process: &Path, name: &str) -> bool {
    let variables = fs::read(process.join("environ")).unwrap_or_default();
    let variables = String::from_utf8_lossy(&variables);
    let is_platform = ["keeper", "hearth-server"].contains(&name);
    variables.contains(&format!("/{}/e", mark()))
        || is_platform && variables.contains(&format!("TERM={}", mark()))
}

/// Whether a process is in another process namespace, and this process has power over it.
fn is_elsewhere(process: &Path) -> bool {
    let namespace = |process: &Path| fs::read_link(process.join("ns/pid"));
    namespace(process).is_ok_and(|its| namespace(Path::new("/proc/self")).is_ok_and(|own| own != its))
}

/// The control groups of a warden.
pub(crate) fn groups(warden: u32) -> Vec<PathBuf> {
    let mut found = Vec::new();
    find(
        Path::new("/sys/fs/cgroup"),
        &format!("hearth-warden-{warden}-"),
        &mut found,
    );
    found
}

fn find(directory: &Path, name: &str, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        if entry.file_name().to_string_lossy().starts_with(name) {
            found.push(entry.path());
        }
        find(&entry.path(), name, found);
    }
}
