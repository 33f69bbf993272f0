//! A server that only boots environments, and tries to get out of its own confinement.

use std::fs;
use std::io::{self, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, ExitCode};

use hearth_sandbox::server::{DATA, Inherited};
use hearth_sandbox::{Sandbox, WardenClient};
use tokio::signal::unix::{SignalKind, signal};

use crate::node::LEAST;

/// How many environments it boots.
pub(crate) const ENVIRONMENTS: usize = 3;
/// Its exit code after SIGTERM.
pub(crate) const DRAINED: u8 = 42;

pub(crate) fn main() -> ExitCode {
    let inherited = match hearth_sandbox::server::enter() {
        Ok(inherited) => inherited,
        Err(error) => {
            eprintln!("server: {error}");
            return ExitCode::FAILURE;
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime
        .expect("a runtime needs no privilege")
        .block_on(serve(inherited))
}

async fn serve(inherited: Inherited) -> ExitCode {
    let mut terminated = signal(SignalKind::terminate()).expect("signals need no privilege");
    let is_confined = inherited.scratch.is_none();
    let client = WardenClient::new(inherited.warden, inherited.scratch).expect("the socket is the warden's");
    if is_confined {
        for line in escapes(&inherited.listeners, &inherited.settings) {
            say(&line);
        }
    }
    let mut environments = Vec::new();
    for _ in 0..ENVIRONMENTS {
        environments.push(client.boot(LEAST).await.expect("it boots"));
    }
    say("ready");
    tokio::select! {
        _ = terminated.recv() => ExitCode::from(DRAINED),
        () = client.died() => ExitCode::from(7),
    }
}

/// Says something to whoever started this process.
pub(crate) fn say(line: &str) {
    // Whoever listened may be gone.
    let _ = writeln!(io::stdout(), "{line}");
}

/// Tries what a server that was taken over would. A line for each attempt, as attacks from inside print them.
fn escapes(listeners: &[TcpListener], settings: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut holds =
        |what: &str, truth: bool| lines.push(format!("{} {what}", if truth { "OK" } else { "ESCAPED" }));
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |key: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .unwrap_or_default()
            .trim()
    };
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        holds(set, field(set).bytes().all(|digit| digit == b'0'));
    }
    holds("NoNewPrivs", field("NoNewPrivs:") == "1");
    holds("Seccomp", field("Seccomp:") == "2");
    holds("groups", field("Groups:").is_empty());
    holds("user", !field("Uid:").split_whitespace().any(|uid| uid == "0"));
    for path in [
        "/root",
        "/home",
        "/etc/shadow",
        "/sys",
        "/usr/local/bin",
        "/var",
        "/boot",
        "/proc/1/environ",
    ] {
        // In a process namespace of its own it is process 1 itself.
        if path.starts_with("/proc/1/") && std::process::id() == 1 {
            continue;
        }
        let empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
        holds(
            path,
            empty || (fs::read_dir(path).is_err() && fs::read(path).is_err()),
        );
    }
    for path in [
        "/etc/passwd",
        "/usr/bin/attack",
        "/attack",
        "/proc/sys/kernel/core_pattern",
        "/dev/attack",
    ] {
        holds(path, fs::write(path, "x").is_err());
    }
    let others = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.bytes().all(|byte| byte.is_ascii_digit()) && name != std::process::id().to_string()
        });
    holds("no other process is seen", others.count() == 0);
    holds("programs", Command::new("/bin/true").status().is_err());
    holds(
        "its data directory is writable",
        fs::write(Path::new(DATA).join("file"), "x").is_ok(),
    );
    // Unpacking a package makes it durable this way.
    let durable = fs::File::open(DATA).is_ok_and(|data| rustix::fs::syncfs(data).is_ok());
    holds("its data directory can be synced", durable);
    holds("/tmp is writable", fs::write("/tmp/file", "x").is_ok());
    holds(
        "its listener works",
        listeners.len() == 1 && listeners[0].local_addr().is_ok(),
    );
    holds("its settings arrive", settings == "the settings");
    lines
}
