//! The binary as a whole: `hearth dev` with the hello example, used through its commands and through plain HTTP.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// A command of the binary under test, without the tester's own settings.
fn hearth(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hearth"));
    command
        .args(arguments)
        .current_dir(directory)
        .env("TMPDIR", directory);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("HEARTH_") || name.starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command
}

fn output(directory: &Path, arguments: &[&str]) -> Output {
    hearth(directory, arguments).output().unwrap()
}

/// `hearth dev`, ended with the test whatever happens.
struct Dev {
    process: Child,
    lines: Receiver<String>,
    authority: String,
}

impl Dev {
    fn start(directory: &Path, folders: &[&str]) -> Self {
        let arguments = [&["dev", "--ephemeral", "--listen", "127.0.0.1:0"], folders].concat();
        let mut process = hearth(directory, &arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines(process.stderr.take().unwrap());
        let mut dev = Self {
            process,
            lines,
            authority: String::new(),
        };
        let line = dev.wait_for("listening on http://");
        dev.authority = line.rsplit('/').next().unwrap().to_owned();
        dev
    }

    /// The next line that has `part` in it.
    fn wait_for(&self, part: &str) -> String {
        loop {
            let line = self
                .lines
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("no line with {part:?}"));
            eprintln!("{line}");
            if line.contains(part) {
                return line;
            }
        }
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.authority)
    }

    /// Sends a request over a connection of its own; status line, headers and body as they come.
    fn http(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.authority).unwrap();
        let length = body.len();
        write!(
            stream,
            "{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn lines(stderr: ChildStderr) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let lines = BufReader::new(stderr).lines().map_while(Result::ok);
        lines.for_each(|line| drop(sender.send(line)));
    });
    receiver
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hello")
}

/// The names of the functions of the example that can run here; says which cannot.
fn runnable(directory: &Path) -> Vec<&'static str> {
    let doctor = output(directory, &["doctor", "--json"]);
    let doctor: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let isolation = doctor["isolation"].as_str().unwrap();
    if doctor["tiers"][isolation] != true {
        eprintln!("skipped: this machine or user cannot isolate functions; `hearth doctor` says why");
        return Vec::new();
    }
    let advice = doctor["advice"].to_string();
    let languages = [("Node.js", "hello-node"), ("Python", "hello-python")];
    let (missing, there): (Vec<_>, Vec<_>) = languages
        .into_iter()
        .partition(|(language, _)| advice.contains(&format!("no {language} was found")));
    missing
        .iter()
        .for_each(|(language, _)| eprintln!("skipped: {language} is not installed"));
    there.into_iter().map(|(_, name)| name).collect()
}

#[test]
fn the_hello_example_runs() {
    let directory = tempfile::tempdir().unwrap();
    let functions = runnable(directory.path());
    if functions.is_empty() {
        return;
    }
    let mut dev = Dev::start(directory.path(), &[example().to_str().unwrap()]);
    for name in &functions {
        dev.wait_for(&format!("created {name}"));
    }
    for name in &functions {
        let path = format!("POST /2015-03-31/functions/{name}/invocations HTTP/1.1");
        let answer = dev.http(
            &format!("{path}\r\nHost: {}", dev.authority),
            r#"{"name": "Ada"}"#,
        );
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.contains("Hello, Ada, from "),
            "{answer}"
        );
        let page = dev.http(
            &format!(
                "{path}\r\nHost: {}\r\nOrigin: https://evil.example",
                dev.authority
            ),
            "{}",
        );
        assert!(page.starts_with("HTTP/1.1 403 "), "{page}");
        commands_work(directory.path(), &dev.endpoint(), name);
    }

    kill_process(Pid::from_child(&dev.process), Signal::TERM).unwrap();
    assert!(dev.process.wait().unwrap().success());
    let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

fn commands_work(directory: &Path, endpoint: &str, name: &str) {
    let run = |arguments: &[&str]| {
        let ended = output(directory, &[arguments, &["--endpoint", endpoint]].concat());
        let (out, talk) = (
            String::from_utf8(ended.stdout).unwrap(),
            String::from_utf8(ended.stderr).unwrap(),
        );
        (ended.status.code().unwrap(), out, talk)
    };
    let (code, out, talk) = run(&["invoke", name, "-d", r#"{"name": "Grace"}"#, "--tail"]);
    assert!(
        code == 0 && out.contains("Hello, Grace") && talk.contains("REPORT RequestId"),
        "{out}{talk}"
    );
    let (code, out, talk) = run(&["invoke", name, "-d", "null"]);
    assert!(
        code == 1 && out.contains("errorType") && talk.contains("failed (Unhandled)"),
        "{out}{talk}"
    );
    let (code, out, talk) = run(&["ls"]);
    assert!(code == 0 && out.contains(name), "{out}{talk}");
    let (code, out, talk) = run(&["logs", name]);
    assert!(
        code == 0 && out.contains("Greeting Ada") && out.contains("Greeting Grace"),
        "{out}{talk}"
    );
    let folder = example().join(name);
    // `dev` shows functions the folder itself; a deploy makes a package of it, and the next one the same package.
    for done in ["updated", "unchanged"] {
        let (code, out, talk) = run(&["deploy", folder.to_str().unwrap()]);
        assert!(
            code == 0 && out.starts_with("arn:aws:lambda:") && talk.contains(done),
            "{out}{talk}"
        );
    }
    let (code, out, talk) = run(&["deploy", folder.to_str().unwrap(), "--timeout", "7", "--json"]);
    assert!(
        code == 0 && out.contains("\"Timeout\": 7") && talk.contains("updated"),
        "{out}{talk}"
    );
    let (code, out, talk) = run(&["show", name]);
    assert!(code == 0 && out.contains("Timeout"), "{out}{talk}");
    let (code, _, talk) = run(&["rm", name]);
    assert!(code == 0, "{talk}");
    let (code, _, talk) = run(&["show", name]);
    assert!(code == 1 && talk.contains("ResourceNotFoundException"), "{talk}");
}

#[test]
fn exit_codes_are_as_documented() {
    let directory = tempfile::tempdir().unwrap();
    let cases: [(&[&str], i32, &str); 6] = [
        (&["--help"], 0, ""),
        (&["no-such-command"], 64, "unrecognized subcommand"),
        (
            &["serve", "--keep-alive", "soon"],
            64,
            "--keep-alive cannot be \"soon\"; write a time",
        ),
        (
            &["dev", "--listen", "0.0.0.0:0"],
            64,
            "listen cannot be 0.0.0.0:0 in dev",
        ),
        (&["ls", "--endpoint", "ftp://x"], 64, "the endpoint cannot be"),
        (
            &["ls", "--endpoint", "http://127.0.0.1:1"],
            69,
            "start one with `hearth dev`",
        ),
    ];
    for (arguments, code, message) in cases {
        let ended = output(directory.path(), arguments);
        let talk = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {talk}");
        assert!(talk.contains(message), "{arguments:?}: {talk}");
    }
    let ended = hearth(directory.path(), &["ls"])
        .env("HEARTH_KEEPALIVE", "1s")
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(64));
}
