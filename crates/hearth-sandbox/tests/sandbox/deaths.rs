//! Whichever of launcher, warden and server dies, and however: nothing survives it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};

use hearth_sandbox::launcher::{self, Launch, WardenProcess};
use hearth_sandbox::{Sandbox, Tier, WardenClient};
use libtest_mimic::{Failed, Trial};
use tokio::runtime::Runtime;

use crate::leftovers::{Before, groups, processes, wait_until};
use crate::node::{Directory, LEAST, Node};
use crate::programs;
use crate::server::{DRAINED, ENVIRONMENTS, say};
use crate::tier::tier;
use crate::{Outcome, suite};

/// The word this program starts itself with to be a launcher.
pub(crate) const LAUNCH_COMMAND: &str = "launch";

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = in_all_tiers();
    if tier() != Tier::Process {
        trials.extend(suite(
            "deaths",
            &[("the_server_is_confined", the_server_is_confined)],
        ));
    }
    trials
}

fn in_all_tiers() -> Vec<Trial> {
    suite(
        "deaths",
        &[
            ("sigterm_drains", || end("launcher", libc::SIGTERM, Some(DRAINED))),
            ("sigint_drains", || end("launcher", libc::SIGINT, Some(DRAINED))),
            ("the_launcher_is_killed", || end("launcher", libc::SIGKILL, None)),
            ("the_warden_is_killed", || end("warden", libc::SIGKILL, Some(70))),
            ("the_server_is_killed", || {
                end("server", libc::SIGKILL, Some(128 + 9))
            }),
            (
                "the_warden_ignores_service_managers",
                the_warden_ignores_service_managers,
            ),
            (
                "all_are_killed_and_the_next_cleans_up",
                all_are_killed_and_the_next_cleans_up,
            ),
            (
                "another_of_the_same_number_lives",
                another_of_the_same_number_lives,
            ),
            (
                "what_cannot_be_removed_yet_is_no_reason_not_to_start",
                what_cannot_be_removed_yet_is_no_reason_not_to_start,
            ),
        ],
    )
}

/// The launcher's process.
pub(crate) fn launch() -> ExitCode {
    let mut named = std::env::args_os().skip(2).map(PathBuf::from);
    let data = named.next().expect("the tests name a directory");
    let scratch = named.next().filter(|_| tier() == Tier::Process);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let launch = Launch {
        data,
        scratch,
        listeners: vec![listener],
        settings: "the settings".into(),
        ..Directory::new().expect("a directory").launch(vec![runtime()])
    };
    match launcher::start(&launch) {
        Ok(running) => {
            say(&format!("pids {} {}", running.warden_id(), running.server_id()));
            running.wait().map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What runs in environments. Without walls it leaves something behind that nothing but its keeper finds.
fn runtime() -> launcher::Runtime {
    const DAEMON: &str = "import os, signal\n\
        if os.fork() == 0:\n    \
            os.setsid()\n    \
            if os.fork() == 0:\n        \
                signal.signal(signal.SIGTERM, signal.SIG_IGN)\n        \
                while True: signal.pause()\n    \
            os._exit(0)\n\
        os.wait()\n\
        os.read(3, 1)";
    let python = &programs::pythons()[0];
    match tier() {
        Tier::Process => python.running(&["-I", "-S", "-c", DAEMON]),
        Tier::Sandbox | Tier::Rootless => python.obedient(),
    }
}

/// The processes of all environments, an init and an interpreter for each and what that leaves, and of the server.
fn all() -> usize {
    let of_each = match tier() {
        Tier::Process => 3,
        Tier::Sandbox | Tier::Rootless => 2,
    };
    1 + of_each * ENVIRONMENTS
}

/// A node that runs environments.
struct Launched {
    launcher: Child,
    warden: u32,
    server: u32,
    /// What the server said before it was ready.
    said: Vec<String>,
    before: Before,
    directory: Directory,
}

impl Launched {
    fn start() -> Result<Self, Failed> {
        let before = Before::look()?;
        let directory = Directory::new()?;
        let mut launcher = Command::new("/proc/self/exe")
            .arg(LAUNCH_COMMAND)
            .arg(directory.path().join("data"))
            .arg(directory.scratch())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = launcher.stdout.take().ok_or("its output is a pipe")?;
        let lines = BufReader::new(File::from(std::os::fd::OwnedFd::from(output))).lines();
        // The launcher and the server both write there, in whatever order.
        let (mut said, mut pids, mut ready) = (Vec::new(), Vec::new(), false);
        for line in lines {
            let line = line?;
            match line.strip_prefix("pids ") {
                Some(numbers) => {
                    pids = numbers
                        .split(' ')
                        .map(str::parse)
                        .collect::<Result<Vec<u32>, _>>()?
                }
                None if line == "ready" => ready = true,
                None => said.push(line),
            }
            if ready && !pids.is_empty() {
                break;
            }
        }
        if !ready || pids.len() != 2 {
            return Err(format!("it says only {said:?}").into());
        }
        let launched = Self {
            launcher,
            warden: pids[0],
            server: pids[1],
            said,
            before,
            directory,
        };
        wait_until("everything runs", || processes().len() == all())?;
        Ok(launched)
    }

    fn pid_of(&self, who: &str) -> i32 {
        match who {
            "launcher" => self.launcher.id() as i32,
            "warden" => self.warden as i32,
            _ => self.server as i32,
        }
    }

    /// Waits for the end, after which nothing may be left.
    fn end(mut self) -> Result<ExitStatus, Failed> {
        let status = self.launcher.wait()?;
        self.before.compare(self.warden)?;
        let scratch = self.directory.scratch();
        // With the launcher and the warden there is nobody to wait for the last of the keepers.
        let has_environments = || {
            let entries = std::fs::read_dir(&scratch).into_iter().flatten().flatten();
            entries.into_iter().any(|entry| entry.file_name() != "runtimes")
        };
        wait_until("their files are gone", || !has_environments())?;
        let gone = || [self.warden, self.server].iter().all(|pid| !runs(*pid));
        wait_until("warden and server are gone", gone)?;
        Ok(status)
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        // After a failure; the rest of the node dies with it.
        let _ = self.launcher.kill();
        let _ = self.launcher.wait();
    }
}

fn runs(pid: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state
        .rsplit(')')
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
}

fn kill(pid: i32, signal: i32) -> Outcome {
    let signal = rustix::process::Signal::from_named_raw(signal).ok_or("no signal")?;
    let pid = rustix::process::Pid::from_raw(pid).ok_or("no process")?;
    Ok(rustix::process::kill_process(pid, signal)?)
}

fn the_server_is_confined() -> Outcome {
    let launched = Launched::start()?;
    let escapes: Vec<String> = launched
        .said
        .iter()
        .filter(|line| !line.starts_with("OK"))
        .cloned()
        .collect();
    let tried = launched.said.len();
    kill(launched.pid_of("launcher"), libc::SIGTERM)?;
    launched.end()?;
    if escapes.is_empty() && tried > 20 {
        Ok(())
    } else {
        Err(format!("{tried} tried: {escapes:?}").into())
    }
}

fn end(who: &str, signal: i32, code: Option<u8>) -> Outcome {
    let launched = Launched::start()?;
    kill(launched.pid_of(who), signal)?;
    let status = launched.end()?;
    if status.code() == code.map(i32::from) {
        Ok(())
    } else {
        Err(format!("it ended with {status}").into())
    }
}

fn the_warden_ignores_service_managers() -> Outcome {
    let launched = Launched::start()?;
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGPIPE] {
        kill(launched.pid_of("warden"), signal)?;
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
    if processes().len() != all() {
        return Err("the warden has ended".into());
    }
    kill(launched.pid_of("launcher"), libc::SIGTERM)?;
    launched.end().map(drop)
}

fn all_are_killed_and_the_next_cleans_up() -> Outcome {
    let mut launched = Launched::start()?;
    let undisturbed = without_other_starts()?;
    // First the one that would clean up for the warden.
    for who in ["launcher", "warden"] {
        kill(launched.pid_of(who), libc::SIGKILL)?;
    }
    launched.launcher.wait()?;
    wait_until("the processes are gone", || processes().is_empty())?;
    if tier() == Tier::Sandbox && groups(launched.warden).is_empty() {
        return Err("nobody was there to remove the control groups, but they are gone".into());
    }
    drop(undisturbed);
    let next = Launched::start()?;
    if !groups(launched.warden).is_empty() {
        return Err("the next start left the control groups".into());
    }
    kill(next.pid_of("launcher"), libc::SIGTERM)?;
    next.end()?;
    launched.end().map(drop)
}

/// Until this is dropped no warden of this machine starts, which would sweep.
fn without_other_starts() -> Result<Vec<File>, Failed> {
    let mut guards = Vec::new();
    for mount in hierarchies() {
        let guard = File::open(mount)?;
        guard.lock()?;
        guards.push(guard);
    }
    Ok(guards)
}

/// Where control groups may be mounted.
fn hierarchies() -> Vec<PathBuf> {
    const MOUNT: &str = "/sys/fs/cgroup";
    let below = std::fs::read_dir(MOUNT).into_iter().flatten().flatten();
    let below = below.map(|entry| entry.path());
    std::iter::once(MOUNT.into())
        .chain(below)
        .filter(|path: &PathBuf| path.join("cgroup.procs").exists())
        .collect()
}

/// A warden that has an environment. It lives as long as the runtime, in which its client is.
fn working() -> Result<(WardenProcess, Runtime, Directory), Failed> {
    let Node {
        directory,
        warden,
        socket,
        ..
    } = Node::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        WardenClient::new(socket, directory.scratch_of_tier())?
            .boot(LEAST)
            .await?;
        Ok::<_, Failed>(())
    })?;
    Ok((warden, runtime, directory))
}

/// A warden of a container that shares control groups with this one may have the same number.
fn another_of_the_same_number_lives() -> Outcome {
    let (warden, _runtime, _directory) = working()?;
    let number = warden.id();
    let (mut others, mut locks) = (Vec::new(), Vec::new());
    for own in groups(number) {
        let other = own.with_file_name(format!("hearth-warden-{number}-0000000000000000"));
        std::fs::create_dir(&other)?;
        let lock = File::open(&other)?;
        lock.lock()?;
        others.push(other);
        locks.push(lock);
    }
    if others.is_empty() && tier() == Tier::Sandbox {
        return Err("a warden has groups".into());
    }
    // Killed, it cannot clean up itself: the launcher does.
    drop(warden);
    let mut left = groups(number);
    drop(locks);
    others.iter().try_for_each(std::fs::remove_dir)?;
    left.sort();
    others.sort();
    if left == others {
        Ok(())
    } else {
        Err(format!("{left:?} are left and not {others:?}").into())
    }
}

/// Processes of a killed warden's may take longer to end than a start can wait.
fn what_cannot_be_removed_yet_is_no_reason_not_to_start() -> Outcome {
    if tier() != Tier::Sandbox {
        return Ok(());
    }
    let (warden, runtime, _directory) = working()?;
    let own = groups(warden.id());
    let own = own.first().ok_or("a warden has groups")?;
    let dead = own.with_file_name("hearth-warden-1-0000000000000000");
    std::fs::create_dir(&dead)?;
    let mut lingering = Command::new("sleep").arg("1000").spawn()?;
    std::fs::write(dead.join("cgroup.procs"), lingering.id().to_string())?;
    let next = working();
    lingering.kill()?;
    lingering.wait()?;
    drop(runtime);
    warden.wait()?;
    drop(next?);
    // Now it can.
    drop(working()?);
    if dead.exists() {
        return Err("the next start left it".into());
    }
    Ok(())
}
