//! How fast environments are made and unmade: `cargo run --release -p hearth-sandbox --example boot_rate` as root.
//!
//! The program in them is `sleep`, so the figures are the sandbox's alone. "Booted" is the time from asking to the
//! answer that the interpreter is about to be executed; "ended" also kills the environment and waits until nothing of
//! it is left.
#![allow(clippy::print_stdout, reason = "a measurement prints its figures")]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use hearth_sandbox::launcher::{self, Launch, Runtime};
use hearth_sandbox::{BootRequest, CpuPolicy, RuntimeIndex, Sandbox, SandboxError, Start, WardenClient};

/// Environments made one after the other.
const ONE_BY_ONE: usize = 500;
/// Environments made in every round with several at a time.
const TOGETHER: usize = 2000;

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
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let client = WardenClient::new(socket)?;
        for _ in 0..20 {
            life(&client).await?;
        }
        one_by_one(&client).await?;
        for at_a_time in [2, 4, 16] {
            together(&client, at_a_time).await?;
        }
        Ok::<_, Box<dyn Error>>(())
    })?;
    drop(runtime);
    warden.wait()?;
    Ok(())
}

/// Boots an environment and ends it. Returns how long each took.
async fn life(client: &WardenClient) -> Result<(Duration, Duration), SandboxError> {
    let started = Instant::now();
    let request = BootRequest {
        runtime: RuntimeIndex(0),
        memory_mb: 128,
        start: Start::Ready,
    };
    let booted = client.boot(request).await?;
    let ready = started.elapsed();
    client.kill(booted.id);
    booted.exit.await.map_err(|_| SandboxError::WardenDied)?;
    Ok((ready, started.elapsed()))
}

async fn one_by_one(client: &WardenClient) -> Result<(), SandboxError> {
    let (mut booted, mut ended) = (Vec::new(), Vec::new());
    for _ in 0..ONE_BY_ONE {
        let (ready, over) = life(client).await?;
        booted.push(ready);
        ended.push(over);
        // Time for the warden to make a network namespace ahead, as it has between two cold starts.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    for (name, mut times) in [("booted", booted), ("ended", ended)] {
        times.sort();
        let at = |share: f64| times[(times.len() as f64 * share) as usize];
        println!("one by one, {name}: p50 {:?}, p99 {:?}", at(0.5), at(0.99));
    }
    Ok(())
}

async fn together(client: &WardenClient, at_a_time: usize) -> Result<(), SandboxError> {
    let started = Instant::now();
    let workers: Vec<_> = (0..at_a_time)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                for _ in 0..TOGETHER / at_a_time {
                    life(&client).await?;
                }
                Ok::<_, SandboxError>(())
            })
        })
        .collect();
    for worker in workers {
        worker.await.map_err(|_| SandboxError::WardenDied)??;
    }
    let rate = TOGETHER as f64 / started.elapsed().as_secs_f64();
    println!("{at_a_time} at a time, made and unmade: {rate:.0} per second");
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
        data: directory.join("data"),
        code: "code".into(),
        base: "/".into(),
        runtimes: vec![sleep],
        environments: Launch::ENVIRONMENTS,
        server: Launch::SERVER,
        cpu: CpuPolicy::Weight,
        grace: Duration::from_secs(1),
        listeners: Vec::new(),
        settings: String::new(),
    }
}
