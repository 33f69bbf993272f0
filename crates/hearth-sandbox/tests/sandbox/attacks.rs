//! Attacks from inside an environment: every program in `tests/attacks` is run as a function's code, in an environment
//! whose interpreter was ready before it was claimed, and in one whose interpreter starts when it has its code.
//!
//! An attack prints a line for every attempt, `OK` if it failed and `ESCAPED` if it worked. Its first lines
//! may say how the environment is to end, `# expect: out of memory`, and what memory it has, `# memory:
//! 1769`.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

use hearth_sandbox::{ClaimRequest, RuntimeIndex, Sandbox, Start, Tier};
use hearth_types::CodeHash;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::Outcome;
use crate::environment::Environment;
use crate::life::fail_unless;
use crate::node::{Node, Server};
use crate::tier::tier;

pub(crate) fn trials() -> Vec<Trial> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks");
    let mut attacks: Vec<PathBuf> = fs::read_dir(directory)
        .expect("the attacks are there")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    attacks.retain(|path| path.extension().is_some_and(|extension| extension == "py"));
    attacks.sort();
    if tier() == Tier::Process {
        attacks.retain(|path| {
            WITHOUT_WALLS
                .iter()
                .any(|name| path.ends_with(format!("{name}.py")))
        });
    }
    let trial = |(path, start): (PathBuf, Start)| {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let suite = match start {
            Start::Ready => "attack",
            Start::Deferred => "attack_fresh",
        };
        Trial::test(format!("{suite}::{name}"), move || attack(&path, start))
    };
    let both = |path: PathBuf| [Start::Ready, Start::Deferred].map(|start| (path.clone(), start));
    attacks.into_iter().flat_map(both).map(trial).collect()
}

/// Those that are held off without walls: what an environment takes is bounded, and what it is given is all it has.
const WITHOUT_WALLS: [&str; 4] = ["descriptors", "memory_bomb", "memory_bomb_in_child", "open_files"];

/// What there is on the host for an attack to reach.
struct Host {
    facts: Value,
    _kept: (TcpListener, Option<TcpListener>, UnixListener, UnixListener),
}

impl Host {
    fn prepare(server: &Server, other_code: CodeHash) -> Result<Self, Failed> {
        let directory = server.directory.path();
        let secret = directory.join("secret");
        fs::write(&secret, "a secret of the host")?;
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o644))?;
        let everywhere = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let port = everywhere.local_addr()?.port();
        let six = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).ok();
        let name = format!("hearth-test-{}", std::process::id());
        let hidden = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        let socket_file = directory.join("socket");
        let visible = UnixListener::bind(&socket_file)?;
        fs::set_permissions(&socket_file, fs::Permissions::from_mode(0o777))?;
        let facts = json!({
            "secret": secret, "data": directory.join("data"), "trees": server.directory.trees(),
            "other_code": other_code.to_string(), "host_pid": std::process::id(), "warden_pid": server.warden_pid,
            "port": port, "host_address": host_address(), "abstract": name, "socket_file": socket_file,
            "shared_memory_key": 0x4845_4152, "tier": tier(),
            "priority": rustix::process::getpriority_process(None)?,
        });
        Ok(Self {
            facts,
            _kept: (everywhere, six, hidden, visible),
        })
    }
}

/// An address of the host's that is not its loopback's, if it has one. Asking for it sends nothing.
fn host_address() -> String {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0));
    let found = socket.and_then(|socket| {
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        socket.local_addr()
    });
    found.map_or_else(|_| "127.0.0.1".into(), |address| address.ip().to_string())
}

/// What the first lines of an attack say after this word.
fn header<'a>(program: &'a str, word: &str) -> Option<&'a str> {
    program
        .lines()
        .take_while(|line| line.starts_with('#'))
        .find_map(|line| line.strip_prefix(word))
}

fn attack(path: &Path, start: Start) -> Outcome {
    let program = fs::read_to_string(path)?;
    let memory_mb = header(&program, "# memory: ").map_or(Ok(128), str::parse)?;
    Node::start()?.serve(async |server| {
        let other = server
            .directory
            .unpack("other", &[("secret.py", b"another function's code")])?;
        let files: [(&str, &[u8]); 2] = [("attack.py", program.as_bytes()), ("main.py", b"")];
        let code = server.directory.unpack("attack", &files)?;
        let layers = server.directory.unpack(
            "layers",
            &[("layer.py", b"BROUGHT = True"), ("tool", b"#!/bin/sh\nid -u\n")],
        )?;
        server.directory.set_mode(layers, "tool", 0o4755)?;
        for (name, target) in [
            ("absolute", Path::new("/etc/shadow")),
            ("relative", Path::new("../../../../../../../../etc/shadow")),
            ("through_data", &server.directory.path().join("secret")),
            ("passwd", Path::new("/etc/passwd")),
        ] {
            server.directory.link(code, name, target)?;
            server.directory.link(layers, name, target)?;
        }
        let host = Host::prepare(server, other)?;
        let booted = server.boot_with(RuntimeIndex(0), memory_mb, start).await?;
        let mut environment = Environment::new(booted)?;
        if start == Start::Ready {
            // It has been one of many that wait for what they become.
            fail_unless(environment.order(&json!({})).await?.is_some(), "no answer")?;
        }
        let request = ClaimRequest {
            code: code.into(),
            layers: Some(layers),
            memory_mb,
            ephemeral_mb: 512,
        };
        server.warden.claim(environment.id, request).await?;
        if start == Start::Deferred {
            environment.send_variables(&["LC_CTYPE=C.UTF-8"]).await?;
        }
        let answer = environment
            .order(&json!({"run": "/var/task/attack.py", "facts": host.facts}))
            .await?;
        server.warden.kill(environment.id);
        let (exit, output) = environment.end().await?;
        match header(&program, "# expect: ") {
            None => finished(answer, &output)?,
            Some("out of memory") if exit.out_of_memory => {}
            Some(expected) => return Err(format!("expected {expected}, but: {exit:?}\n{output}").into()),
        }
        let escapes: Vec<&str> = output
            .lines()
            .filter(|line| line.starts_with("ESCAPED"))
            .collect();
        if !escapes.is_empty() {
            return Err(escapes.join("\n").into());
        }
        // The warden goes on, and the next environment is like any other.
        let mut next = server.boot().await?;
        if next.order(&json!({})).await?.is_none() {
            return Err("the next environment does not answer".into());
        }
        Ok(())
    })
}

/// The attack came to its end and tried something.
fn finished(answer: Option<Value>, output: &str) -> Outcome {
    match answer {
        None => Err(format!("the environment ended early:\n{output}").into()),
        Some(answer) if answer.get("error").is_some() => {
            Err(format!("{}\n{output}", answer["error"].as_str().unwrap_or("")).into())
        }
        Some(_) if !output.lines().any(|line| line.starts_with("OK")) => Err("nothing was tried".into()),
        Some(_) => Ok(()),
    }
}
