//! How fast environments are made and ended: `cargo run --release -p hearth-sandbox --example boot_rate` as
//! root.
//!
//! The program in them is `sleep`, so the figures are the sandbox's alone. "Booted" is the time from asking
//! to the answer that the interpreter is about to be executed, "claimed" that from asking to the answer
//! that code and /tmp are there, "claimed with layers" the same with /opt, "ended" that from killing to the answer that
//! nothing is left. CPU time is that of the warden and of all it has started, descriptors those that it and this program
//! have open for each environment.
#![allow(clippy::print_stdout, reason = "a measurement prints its figures")]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use hearth_sandbox::launcher::{self, Launch, Runtime};
use hearth_sandbox::{
    BootRequest, Booted, ClaimRequest, CpuPolicy, RuntimeIndex, Sandbox, SandboxError, Start, Tier,
    WardenClient,
};
use hearth_types::CodeHash;

/// Environments made one after the other.
const ONE_BY_ONE: usize = 300;
/// Environments made at once.
const TOGETHER: usize = 500;
/// How often.
const ROUNDS: usize = 3;
/// How long an environment lives when they are made one after the other. Before, its init may be busy setting
/// up the memory alarm, and the warden making a network namespace for the next.
const LIFE: Duration = Duration::from_millis(25);

/// What the code package is the hash of.
const CODE: &[u8] = b"nothing";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(launcher::WARDEN_COMMAND) {
        return hearth_sandbox::warden::main();
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let (warden, socket) = launcher::start_warden(&launch(directory.path()))?;
    std::fs::create_dir(
        directory
            .path()
            .join("data/code")
            .join(CodeHash::of(CODE).to_string()),
    )?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let client = WardenClient::new(socket, None)?;
        one_by_one(&client).await?;
        for _ in 0..ROUNDS {
            together(&client, warden.id()).await?;
        }
        Ok::<_, Box<dyn Error>>(())
    })?;
    drop(runtime);
    warden.wait()?;
    Ok(())
}

async fn boot(client: &WardenClient) -> Result<Booted, SandboxError> {
    client
        .boot(BootRequest {
            runtime: RuntimeIndex(0),
            memory_mb: 128,
            start: Start::Ready,
        })
        .await
}

async fn end(client: &WardenClient, environment: Booted) -> Result<(), SandboxError> {
    client.kill(environment.id);
    environment
        .exit
        .await
        .map(drop)
        .map_err(|_| SandboxError::WardenDied)
}

async fn one_by_one(client: &WardenClient) -> Result<(), SandboxError> {
    let (mut booted, mut claimed, mut layered, mut ended) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for number in 0..ONE_BY_ONE {
        let started = Instant::now();
        let environment = boot(client).await?;
        booted.push(started.elapsed());
        tokio::time::sleep(LIFE).await;
        let started = Instant::now();
        let claim = ClaimRequest {
            code: CodeHash::of(CODE).into(),
            layers: (number % 2 == 1).then(|| CodeHash::of(CODE)),
            memory_mb: 128,
            ephemeral_mb: 512,
        };
        client.claim(environment.id, claim).await?;
        let times = if number % 2 == 1 {
            &mut layered
        } else {
            &mut claimed
        };
        times.push(started.elapsed());
        let started = Instant::now();
        end(client, environment).await?;
        ended.push(started.elapsed());
    }
    for (name, mut times) in [
        ("booted", booted),
        ("claimed", claimed),
        ("claimed with layers", layered),
        ("ended", ended),
    ] {
        times.sort();
        let at = |share: f64| times[(times.len() as f64 * share) as usize];
        println!("one by one, {name}: p50 {:?}, p99 {:?}", at(0.5), at(0.99));
    }
    Ok(())
}

/// What CPU time a process and its children that have ended have used.
fn cpu(process: u32) -> Result<Duration, Box<dyn Error>> {
    /// How many of them the kernel counts in a second.
    const TICKS: u32 = 100;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').ok_or("a name in parentheses")?;
    // Those of the process and its children, in user mode and in the kernel.
    let times = fields.split_whitespace().skip(11).take(4);
    let ticks = times.map(str::parse::<u32>).sum::<Result<u32, _>>()?;
    Ok(Duration::from_secs(1) * ticks / TICKS)
}

/// How many descriptors a process has open.
fn descriptors(process: u32) -> Result<usize, Box<dyn Error>> {
    Ok(std::fs::read_dir(format!("/proc/{process}/fd"))?.count())
}

async fn together(client: &WardenClient, warden: u32) -> Result<(), Box<dyn Error>> {
    let own = std::process::id();
    let (used, open) = (cpu(warden)?, [descriptors(warden)?, descriptors(own)?]);
    let begun = Instant::now();
    let started = Instant::now();
    let boots = (0..TOGETHER).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { boot(&client).await })
    });
    let mut environments = Vec::new();
    for boot in boots.collect::<Vec<_>>() {
        environments.push(boot.await.map_err(|_| SandboxError::WardenDied)??);
    }
    let booted = started.elapsed();
    let each = |now: usize, before: usize| (now - before) as f64 / TOGETHER as f64;
    let open = [
        each(descriptors(warden)?, open[0]),
        each(descriptors(own)?, open[1]),
    ];
    let started = Instant::now();
    environments
        .iter()
        .for_each(|environment| client.kill(environment.id));
    for environment in environments {
        end(client, environment).await?;
    }
    let per_second = |time: Duration| TOGETHER as f64 / time.as_secs_f64();
    let (booted, ended) = (per_second(booted), per_second(started.elapsed()));
    println!(
        "{TOGETHER} at once: {booted:.0} booted per second, {ended:.0} ended per second, {:.0} both; CPU {:?} each; \
         descriptors {:.1} in the warden, {:.1} here",
        per_second(begun.elapsed()),
        (cpu(warden)? - used) / TOGETHER as u32,
        open[0],
        open[1],
    );
    Ok(())
}

fn launch(directory: &Path) -> Launch {
    let sleep = Runtime {
        prefix: "/usr".into(),
        executable: "bin/sleep".into(),
        arguments: vec!["60".into()],
        environment: Vec::new(),
        bootstrap: Vec::new(),
    };
    Launch {
        program: "/proc/self/exe".into(),
        tier: Tier::Sandbox,
        data: directory.join("data"),
        code: "code".into(),
        base: "/".into(),
        scratch: None,
        runtimes: vec![sleep],
        folders: None,
        environments: Launch::ENVIRONMENTS,
        server: Launch::SERVER,
        cpu: CpuPolicy::Weight,
        grace: Duration::from_secs(1),
        listeners: Vec::new(),
        settings: String::new(),
    }
}
