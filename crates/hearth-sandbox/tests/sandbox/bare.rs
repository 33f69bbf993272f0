//! What holds without walls: environments end, with all that they started and wrote.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hearth_sandbox::{Booted, ExitStatus, Reach, RuntimeIndex, Sandbox, Start};
use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use serde_json::json;
use tokio::io::AsyncReadExt;

use crate::environment::Environment;
use crate::leftovers::{processes, wait_until};
use crate::life::fail_unless;
use crate::node::{Node, Server};
use crate::{Outcome, suite};

pub(crate) fn trials() -> Vec<Trial> {
    suite(
        "bare",
        &[
            ("walls_are_forbidden_here", walls_are_forbidden_here),
            ("daemons_end_with_it", || ends_with_daemons(End::Killed)),
            ("daemons_end_when_it_exits", || ends_with_daemons(End::Exits)),
            ("daemons_end_with_their_keeper", || {
                ends_with_daemons(End::KeeperKilled)
            }),
            ("a_stopped_keeper_ends", || ends_with_daemons(End::KeeperStopped)),
            ("temporary_files_go_with_it", temporary_files_go_with_it),
            ("it_gains_no_rights", it_gains_no_rights),
            ("hearth_listens_on_loopback", hearth_listens_on_loopback),
        ],
    )
}

/// The flags of clone(2) that make namespaces.
const NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// Has the kernel end this process, and all that it starts, at the first attempt to put up a wall, to change the user or
/// to gain a right; and answer the newer clone as it does in containers, whose filters cannot see its flags.
pub(crate) fn forbid_walls() {
    let refused = [
        libc::SYS_bpf,
        libc::SYS_capset,
        libc::SYS_chroot,
        libc::SYS_fsconfig,
        libc::SYS_fsmount,
        libc::SYS_fsopen,
        libc::SYS_landlock_restrict_self,
        libc::SYS_mount,
        libc::SYS_mount_setattr,
        libc::SYS_move_mount,
        libc::SYS_open_tree,
        libc::SYS_pivot_root,
        libc::SYS_setgid,
        libc::SYS_setgroups,
        libc::SYS_setns,
        libc::SYS_setresgid,
        libc::SYS_setresuid,
        libc::SYS_setuid,
        libc::SYS_umount2,
        libc::SYS_unshare,
    ];
    let namespace = |flag: libc::c_int| {
        let flag = flag as u64;
        let has = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), flag);
        has.and_then(|has| SeccompRule::new(vec![has])).expect("a rule")
    };
    let mut rules: Vec<(i64, Vec<SeccompRule>)> = refused.into_iter().map(|call| (call, vec![])).collect();
    rules.push((libc::SYS_clone, NAMESPACES.into_iter().map(namespace).collect()));
    apply(rules, SeccompAction::KillProcess);
    let missing = SeccompAction::Errno(libc::ENOSYS as u32);
    apply(vec![(libc::SYS_clone3, vec![])], missing);
}

fn apply(rules: Vec<(i64, Vec<SeccompRule>)>, action: SeccompAction) {
    let architecture = std::env::consts::ARCH.try_into().expect("a known architecture");
    let filter = SeccompFilter::new(
        rules.into_iter().collect(),
        SeccompAction::Allow,
        action,
        architecture,
    );
    let program: BpfProgram = filter.and_then(TryInto::try_into).expect("a filter");
    seccompiler::apply_filter(&program).expect("a kernel with filters");
}

/// What the other tests show would be nothing without this.
fn walls_are_forbidden_here() -> Outcome {
    use std::os::unix::process::ExitStatusExt;
    let status = std::process::Command::new("unshare")
        .args(["--user", "true"])
        .status();
    match status {
        Ok(status) => fail_unless(status.signal() == Some(libc::SIGSYS), status),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: there is no unshare");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Starts processes that leave session and parent, says when they are there, and stays or exits.
const DAEMONS: &str = r#"
import os, signal
read, write = os.pipe()
for depth in range(3):
    if os.fork() == 0:
        os.setsid()
        for _ in range(depth):
            if os.fork():
                os._exit(0)
            os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(write, b"x")
        while True:
            signal.pause()
for _ in range(3):
    os.read(read, 1)
print(os.getppid(), flush=True)
if FACTS["exits"]:
    os._exit(3)
"#;

/// How an environment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Killed,
    Exits,
    KeeperKilled,
    KeeperStopped,
}

/// Runs a program as code of a fresh environment.
async fn start(server: &Server, program: &str) -> Result<Environment, Failed> {
    let code = server
        .directory
        .unpack(program, &[("main.py", program.as_bytes())])?;
    let environment = server.boot().await?;
    server.claim(&environment, code).await?;
    Ok(environment)
}

fn ends_with_daemons(end: End) -> Outcome {
    Node::start()?.serve(async |server| {
        let mut environment = start(server, DAEMONS).await?;
        let root = environment.places.root().to_owned();
        let order = json!({"run": "/var/task/main.py", "facts": {"exits": end == End::Exits}});
        let answer = environment.order(&order).await?;
        fail_unless(answer.is_some() != (end == End::Exits), format!("{answer:?}"))?;
        // Its keeper, its interpreter and the daemons; the next environment is not there yet.
        let keeper = keeper(server)?;
        match end {
            End::Exits => {}
            End::Killed => server.warden.kill(environment.id),
            End::KeeperKilled => rustix::process::kill_process(keeper, Signal::KILL)?,
            End::KeeperStopped => {
                rustix::process::kill_process(keeper, Signal::STOP)?;
                server.warden.kill(environment.id);
            }
        }
        let (exit, _) = environment.end().await?;
        let status = match end {
            End::Exits => ExitStatus::Code(3),
            _ => ExitStatus::Signal(9),
        };
        fail_unless(exit.status == status && !exit.out_of_memory, format!("{exit:?}"))?;
        wait_until("its processes are gone", || processes().is_empty())?;
        wait_until("its files are gone", || !Path::new(&root).exists())?;
        // The warden goes on.
        let mut next = server.boot().await?;
        fail_unless(
            next.order(&json!({})).await?.is_some(),
            "the next does not answer",
        )
    })
}

/// The only keeper there is; none if it has ended already.
fn keeper(server: &Server) -> Result<Pid, Failed> {
    let pid = server.warden_pid;
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    let first = children.split_whitespace().next().map(str::parse).transpose()?;
    // An environment that exits takes it along.
    Pid::from_raw(first.unwrap_or(i32::MAX)).ok_or_else(|| "no number".into())
}

fn temporary_files_go_with_it() -> Outcome {
    const PROGRAM: &str = r#"
import os, tempfile
assert tempfile.gettempdir() == ROOT + "/tmp", tempfile.gettempdir()
os.makedirs(ROOT + "/tmp/locked/below")
open(ROOT + "/tmp/locked/below/file", "w").close()
os.chmod(ROOT + "/tmp/locked", 0)
os.symlink("/etc", ROOT + "/tmp/link")
"#;
    Node::start()?.serve(async |server| {
        let mut environment = start(server, PROGRAM).await?;
        let root = environment.places.root().to_owned();
        environment.run("/var/task/main.py").await?;
        fail_unless(
            Path::new(&root).join("tmp/locked").exists(),
            "nothing was written",
        )?;
        let mode = fs::metadata(server.directory.scratch())?.permissions().mode();
        fail_unless(mode & 0o777 == 0o700, format!("others can look: {mode:o}"))?;
        server.warden.kill(environment.id);
        environment.end().await?;
        fail_unless(!Path::new(&root).exists(), "files are left")?;
        fail_unless(Path::new("/etc/passwd").exists(), "a link was followed")
    })
}

fn it_gains_no_rights() -> Outcome {
    const PROGRAM: &str = r#"
import os, resource
status = dict(line.split(":\t", 1) for line in open("/proc/self/status") if ":\t" in line)
assert status["NoNewPrivs"].strip() == "1"
assert FACTS["inherited"] in ([0, 1, 2, 3], [0, 1, 2, 3, 4]), FACTS["inherited"]
assert os.getsid(0) == os.getpid() and os.read(0, 1) == b""
assert resource.getrlimit(resource.RLIMIT_CORE)[1] <= 1
assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] <= 1024
assert sorted(os.environ) == ["LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "TMPDIR"], os.environ
"#;
    Node::start()?.serve(async |server| {
        let mut environment = start(server, PROGRAM).await?;
        let answer = environment.order(&json!({"run": "/var/task/main.py"})).await?;
        let answer = answer.ok_or("it ended")?;
        fail_unless(answer.get("error").is_none(), &answer)
    })
}

fn hearth_listens_on_loopback() -> Outcome {
    const PROGRAM: &str = r#"
import socket
for port in FACTS["ports"]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"hello")
"#;
    Node::start()?.serve(async |server| {
        let mut booted: Booted = server.boot_with(RuntimeIndex(0), 128, Start::Ready).await?;
        let listener = booted.listener.take().ok_or("there is no listener")?;
        fail_unless(
            listener.reach == Reach::Host && listener.dns.is_none(),
            "it is the host's network",
        )?;
        let addresses = listener.addresses;
        let both = [addresses.runtime_api, addresses.api];
        fail_unless(
            both.iter().all(|address| address.ip().is_loopback()),
            format!("{both:?}"),
        )?;
        let code = server
            .directory
            .unpack("network", &[("main.py", PROGRAM.as_bytes())])?;
        let mut environment = Environment::new(booted)?;
        server.claim(&environment, code).await?;
        let facts = json!({"ports": both.map(|address| address.port())});
        let order = json!({"run": "/var/task/main.py", "facts": facts});
        let answer = environment.order(&order).await?.ok_or("it ended")?;
        fail_unless(answer.get("error").is_none(), &answer)?;
        for socket in [listener.tcp, listener.api] {
            let socket = tokio::net::TcpListener::from_std(socket.into())?;
            let mut heard = String::new();
            socket.accept().await?.0.read_to_string(&mut heard).await?;
            fail_unless(heard == "hello", heard)?;
        }
        Ok(())
    })
}
