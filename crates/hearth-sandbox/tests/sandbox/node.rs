//! A warden of its own for each test.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hearth_sandbox::launcher::{self, Launch, Runtime, UserRange, WardenProcess};
use hearth_sandbox::{
    BootRequest, Booted, ClaimRequest, CpuPolicy, Identity, RuntimeIndex, Sandbox, SandboxError, Start, Tier,
    WardenClient,
};
use hearth_types::CodeHash;
use libtest_mimic::Failed;
use tempfile::TempDir;

use crate::Outcome;
use crate::environment::Environment;
use crate::leftovers::{Before, mark};
use crate::programs;
use crate::tier::tier;

/// The user numbers of these tests: not those that wardens use by default, so that both can run at a time.
pub(crate) const USERS: UserRange = UserRange {
    first: 1_910_000_000,
    count: 64,
};
/// The user of their servers.
pub(crate) const SERVER: Identity = Identity {
    uid: 1_909_999_999,
    gid: 1_909_999_999,
};

/// The first runtime with the least memory.
pub(crate) const LEAST: BootRequest = BootRequest {
    runtime: RuntimeIndex(0),
    memory_mb: 128,
    start: Start::Ready,
};

/// A warden, and the directories it works with.
pub(crate) struct Node {
    pub(crate) directory: Directory,
    pub(crate) warden: WardenProcess,
    pub(crate) socket: OwnedFd,
    pub(crate) before: Before,
}

/// A data directory.
pub(crate) struct Directory(TempDir);

impl Directory {
    pub(crate) fn new() -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        fs::create_dir(directory.path().join(mark()))?;
        Ok(Self(directory))
    }

    /// Where environments have their files in the tier process.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.path().join(mark())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The same, where the tier has such a place.
    pub(crate) fn scratch_of_tier(&self) -> Option<PathBuf> {
        (tier() == Tier::Process).then(|| self.scratch())
    }

    /// Where unpacked code packages lie.
    pub(crate) fn trees(&self) -> PathBuf {
        self.path().join("data/blobs/trees")
    }

    /// Unpacks a code package of these files, as the server does.
    pub(crate) fn unpack(&self, name: &str, files: &[(&str, &[u8])]) -> Result<CodeHash, Failed> {
        let hash = CodeHash::of(name.as_bytes());
        let tree = self.trees().join(hash.to_string());
        fs::create_dir(&tree)?;
        for (name, content) in files {
            fs::write(tree.join(name), content)?;
        }
        self.give_to_server(&tree)?;
        Ok(hash)
    }

    /// Puts a symbolic link into a code package.
    pub(crate) fn link(&self, code: CodeHash, name: &str, target: &Path) -> Outcome {
        Ok(symlink(target, self.trees().join(code.to_string()).join(name))?)
    }

    /// Gives a file of a code package a mode.
    pub(crate) fn set_mode(&self, code: CodeHash, name: &str, mode: u32) -> Outcome {
        let file = self.trees().join(code.to_string()).join(name);
        Ok(fs::set_permissions(file, fs::Permissions::from_mode(mode))?)
    }

    fn give_to_server(&self, path: &Path) -> Outcome {
        if tier() != Tier::Sandbox {
            // It is the server's user who runs these tests.
            return Ok(());
        }
        std::os::unix::fs::chown(path, Some(SERVER.uid), Some(SERVER.gid))?;
        for entry in path
            .is_dir()
            .then(|| fs::read_dir(path))
            .into_iter()
            .flatten()
            .flatten()
        {
            self.give_to_server(&entry?.path())?;
        }
        Ok(())
    }

    /// What is launched in it.
    pub(crate) fn launch(&self, runtimes: Vec<Runtime>) -> Launch {
        Launch {
            program: "/proc/self/exe".into(),
            tier: tier(),
            data: self.path().join("data"),
            code: "blobs/trees".into(),
            base: std::env::var_os("HEARTH_TEST_BASE").map_or_else(|| "/".into(), PathBuf::from),
            runtimes,
            folders: None,
            scratch: self.scratch_of_tier(),
            environments: USERS,
            server: SERVER,
            cpu: CpuPolicy::Weight,
            grace: Duration::from_secs(5),
            listeners: Vec::new(),
            settings: String::new(),
        }
    }
}

impl Node {
    /// Starts a warden whose only runtime is a Python that obeys.
    pub(crate) fn start() -> Result<Self, Failed> {
        Self::start_with(vec![programs::pythons()[0].obedient()])
    }

    /// Starts a warden with these runtimes.
    pub(crate) fn start_with(runtimes: Vec<Runtime>) -> Result<Self, Failed> {
        let before = Before::look()?;
        let directory = Directory::new()?;
        let (warden, socket) = launcher::start_warden(&directory.launch(runtimes))?;
        Ok(Self {
            directory,
            warden,
            socket,
            before,
        })
    }

    /// Runs a test as this warden's server. Afterwards nothing may be left.
    pub(crate) fn serve(self, test: impl AsyncFnOnce(&Server) -> Outcome) -> Outcome {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let result = runtime.block_on(async {
            let warden = WardenClient::new(self.socket, self.directory.scratch_of_tier())?;
            let server = Server {
                warden,
                directory: self.directory,
                warden_pid: self.warden.id(),
            };
            let result = tokio::time::timeout(Duration::from_secs(120), test(&server)).await;
            Ok::<_, Failed>((
                result.map_err(|_| Failed::from("the test hangs"))?,
                server.directory,
            ))
        });
        // This closes the socket, which ends the warden.
        drop(runtime);
        let pid = self.warden.id();
        let status = self.warden.wait()?;
        let (result, directory) = result?;
        result?;
        if !status.success() {
            return Err(format!("the warden ended with {status}").into());
        }
        self.before.compare(pid)?;
        let left = fs::read_dir(directory.scratch())?.flatten();
        let left: Vec<PathBuf> = left.map(|entry| entry.path()).collect();
        match left.is_empty() {
            true => Ok(()),
            false => Err(format!("these files are left: {left:?}").into()),
        }
    }
}

/// What a test asks the warden through.
pub(crate) struct Server {
    pub(crate) warden: WardenClient,
    pub(crate) directory: Directory,
    pub(crate) warden_pid: u32,
}

impl Server {
    /// Boots the first runtime with the least memory.
    pub(crate) async fn boot(&self) -> Result<Environment, Failed> {
        Environment::new(self.warden.boot(LEAST).await?)
    }

    pub(crate) async fn boot_with(
        &self,
        runtime: RuntimeIndex,
        memory_mb: u32,
        start: Start,
    ) -> Result<Booted, SandboxError> {
        self.warden
            .boot(BootRequest {
                runtime,
                memory_mb,
                start,
            })
            .await
    }

    /// Boots so many at once.
    pub(crate) async fn boot_many(&self, count: usize) -> Result<Vec<Booted>, Failed> {
        let boots: Vec<_> = (0..count)
            .map(|_| {
                let warden = self.warden.clone();
                tokio::spawn(async move { warden.boot(LEAST).await })
            })
            .collect();
        let mut booted = Vec::new();
        for boot in boots {
            booted.push(boot.await??);
        }
        Ok(booted)
    }

    /// Gives an environment its code and the smallest /tmp.
    pub(crate) async fn claim(&self, environment: &Environment, code: CodeHash) -> Result<(), SandboxError> {
        let request = ClaimRequest {
            code: code.into(),
            layers: None,
            memory_mb: 128,
            ephemeral_mb: 512,
        };
        self.warden.claim(environment.id, request).await
    }
}
