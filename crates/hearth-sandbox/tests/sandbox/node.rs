//! A warden of its own for each test, and environments that run Python programs.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hearth_sandbox::launcher::{self, Launch, Runtime, UserRange, WardenProcess};
use hearth_sandbox::{BootRequest, Booted, CpuPolicy, Identity, RuntimeIndex, Sandbox, Start, WardenClient};
use libtest_mimic::Failed;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::Outcome;

/// The bootstrap: answers commands on the control socket.
const BOOTSTRAP: &str = include_str!("../programs/bootstrap.py");

/// A warden and what it works with.
pub struct Node {
    pub warden: Option<WardenProcess>,
    pub socket: Option<std::os::fd::OwnedFd>,
    pub directory: TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Node {
    pub fn start() -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        let launch = launch(directory.path());
        let (warden, socket) = launcher::start_warden(&launch)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            warden: Some(warden),
            socket: Some(socket),
            directory,
            runtime,
        })
    }

    pub fn run(mut self, test: impl AsyncFnOnce(&Client) -> Outcome) -> Outcome {
        let socket = self.socket.take().expect("taken once");
        self.runtime.block_on(async {
            let client = Client {
                warden: WardenClient::new(socket)?,
            };
            test(&client).await
        })
    }
}

pub struct Client {
    pub warden: WardenClient,
}

impl Client {
    pub async fn boot(&self) -> Result<Environment, Failed> {
        let request = BootRequest {
            runtime: RuntimeIndex(0),
            memory_mb: 128,
            start: Start::Ready,
        };
        Environment::new(self.warden.boot(request).await?)
    }
}

pub struct Environment {
    pub booted: Booted,
    control: BufReader<UnixStream>,
}

impl Environment {
    fn new(mut booted: Booted) -> Result<Self, Failed> {
        let null = std::os::fd::OwnedFd::from(fs::File::open("/dev/null")?);
        let control = std::os::unix::net::UnixStream::from(std::mem::replace(&mut booted.control, null));
        control.set_nonblocking(true)?;
        Ok(Self {
            booted,
            control: BufReader::new(UnixStream::from_std(control)?),
        })
    }

    pub async fn call(&mut self, command: &str) -> Result<String, Failed> {
        self.control
            .get_mut()
            .write_all(format!("{command}\n").as_bytes())
            .await?;
        let mut line = String::new();
        self.control.read_line(&mut line).await?;
        Ok(line)
    }
}

pub fn launch(directory: &Path) -> Launch {
    Launch {
        program: "/proc/self/exe".into(),
        data: directory.join("data"),
        code: "blobs/trees".into(),
        base: "/".into(),
        runtimes: vec![python()],
        environments: UserRange {
            first: 1_910_000_000,
            count: 64,
        },
        server: Identity {
            uid: 1_909_999_999,
            gid: 1_909_999_999,
        },
        cpu: CpuPolicy::Weight,
        grace: Duration::from_secs(5),
        listeners: Vec::new(),
        settings: String::new(),
    }
}

fn python() -> Runtime {
    let executable =
        fs::canonicalize(PathBuf::from("/root/.pyenv/versions/3.11.7/bin/python3.11")).expect("python");
    let prefix = executable.ancestors().nth(2).expect("bin lies in a prefix");
    Runtime {
        prefix: prefix.to_owned(),
        executable: executable.strip_prefix(prefix).expect("below").to_owned(),
        arguments: vec!["-I".into(), "-S".into(), "/var/runtime/bootstrap.py".into()],
        environment: vec!["PATH=/var/lang/bin:/usr/bin:/bin".into()],
        bootstrap: vec![("bootstrap.py".into(), BOOTSTRAP.into())],
    }
}
