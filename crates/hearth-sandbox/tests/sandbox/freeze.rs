//! Environments that are stopped and go on.

use std::fs;
use std::path::PathBuf;

use hearth_sandbox::{ExitStatus, Freezer, RuntimeIndex, Sandbox, Start, Tier, WardenClient};
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use crate::environment::{Environment, Output};
use crate::leftovers::{groups, wait_until};
use crate::life::fail_unless;
use crate::node::{LEAST, Node, Server};
use crate::programs;
use crate::tier::tier;
use crate::{Outcome, suite};

pub(crate) fn trials() -> Vec<Trial> {
    if tier() != Tier::Sandbox {
        return suite(
            "freeze",
            &[("without_groups_nobody_can", without_groups_nobody_can)],
        );
    }
    suite(
        "freeze",
        &[
            ("what_is_frozen_runs_nothing", what_is_frozen_runs_nothing),
            (
                "it_is_claimed_measured_and_killed",
                it_is_claimed_measured_and_killed,
            ),
            ("a_handler_of_sigterm_waits", a_handler_of_sigterm_waits),
            ("a_fork_bomb_is_frozen_too", a_fork_bomb_is_frozen_too),
            ("one_that_has_ended_is_gone", one_that_has_ended_is_gone),
            ("one_that_is_just_ending_ends", one_that_is_just_ending_ends),
            ("it_ends_with_the_server", it_ends_with_the_server),
            ("it_ends_with_a_killed_warden", it_ends_with_a_killed_warden),
        ],
    )
}

fn without_groups_nobody_can() -> Outcome {
    Node::start()?.serve(async |server| {
        let environment = server.boot().await?;
        fail_unless(environment.freezer.is_none(), "it says that it can be frozen")?;
        server.warden.kill(environment.id);
        environment.end().await.map(drop)
    })
}

fn freezer(environment: &Environment) -> Result<&Freezer, Failed> {
    environment
        .freezer
        .as_ref()
        .ok_or_else(|| "it cannot be frozen".into())
}

/// The environment's group of version 2.
fn group(server: &Server, environment: &Environment) -> Result<PathBuf, Failed> {
    let name = format!("e{}", environment.id.0);
    let found = groups(server.warden_pid)
        .into_iter()
        .map(|group| group.join(&name));
    let mut second = found.filter(|group| group.join("cgroup.freeze").exists());
    second.next().ok_or_else(|| "it has no group".into())
}

/// Freezes an environment and waits until nothing in it runs.
fn freeze(server: &Server, environment: &Environment) -> Outcome {
    let group = group(server, environment)?;
    freezer(environment)?.freeze()?;
    wait_until("it is frozen", || {
        fs::read_to_string(group.join("cgroup.events")).is_ok_and(|events| events.contains("frozen 1"))
    })
}

fn cpu(server: &Server, environment: &Environment) -> Result<String, Failed> {
    let stat = fs::read_to_string(group(server, environment)?.join("cpu.stat"))?;
    let used = stat.lines().find(|line| line.starts_with("usage_usec"));
    Ok(used.unwrap_or_default().to_owned())
}

fn what_is_frozen_runs_nothing() -> Outcome {
    Node::start()?.serve(async |server| {
        let mut environment = server.boot().await?;
        fail_unless(environment.order(&json!({})).await?.is_some(), "no answer")?;
        freeze(server, &environment)?;
        freezer(&environment)?.freeze()?;
        let before = cpu(server, &environment)?;
        environment.send(b"{}\n").await?;
        // In this time it would have answered: another one starts and answers.
        let mut other = server.boot().await?;
        fail_unless(other.order(&json!({})).await?.is_some(), "no answer")?;
        fail_unless(environment.is_silent(), "it answered")?;
        let after = cpu(server, &environment)?;
        fail_unless(before == after, format!("{before} became {after}"))?;
        for _ in 0..2 {
            freezer(&environment)?.thaw()?;
        }
        fail_unless(environment.answer().await?.is_some(), "no answer")?;
        // As often as one likes, and without waiting for it to stop.
        for _ in 0..200 {
            freezer(&environment)?.freeze()?;
            environment.send(b"{}\n").await?;
            freezer(&environment)?.thaw()?;
            fail_unless(environment.answer().await?.is_some(), "no answer")?;
        }
        Ok(())
    })
}

fn it_is_claimed_measured_and_killed() -> Outcome {
    Node::start()?.serve(async |server| {
        let code = server
            .directory
            .unpack("code", &[("main.py", b"print('claimed')")])?;
        let mut environment = server.boot().await?;
        environment.order(&json!({})).await?;
        freeze(server, &environment)?;
        let before = environment.memory.current_bytes();
        fail_unless(before > 0, "it has no memory")?;
        server.claim(&environment, code).await?;
        fail_unless(
            environment.memory.current_bytes() == before,
            "its memory has changed",
        )?;
        freezer(&environment)?.thaw()?;
        environment.run("/var/task/main.py").await?;
        freeze(server, &environment)?;
        server.warden.kill(environment.id);
        let (exit, output) = environment.end().await?;
        fail_unless(
            exit.status == ExitStatus::Signal(9) && output == "claimed\n",
            format!("{exit:?} {output}"),
        )
    })
}

fn a_handler_of_sigterm_waits() -> Outcome {
    Node::start()?.serve(async |server| {
        let program = b"import os, signal\nsignal.signal(signal.SIGTERM, lambda *_: os._exit(7))";
        let code = server.directory.unpack("code", &[("main.py", program)])?;
        let mut environment = server.boot().await?;
        server.claim(&environment, code).await?;
        environment.run("/var/task/main.py").await?;
        freeze(server, &environment)?;
        server.warden.terminate(environment.id);
        // Its answer says that the warden has done what came before.
        let other = server.boot().await?;
        fail_unless(environment.is_silent(), "it has ended")?;
        freezer(&environment)?.thaw()?;
        let (exit, _) = environment.end().await?;
        fail_unless(exit.status == ExitStatus::Code(7), format!("{exit:?}"))?;
        server.warden.kill(other.id);
        other.end().await.map(drop)
    })
}

/// Each process makes others, and each of them too.
const FORKS: &str = "\
import os, time
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.001)
";

fn a_fork_bomb_is_frozen_too() -> Outcome {
    let python = &programs::pythons()[0];
    let runtimes = vec![python.obedient(), python.running(&["-I", "-S", "-c", FORKS])];
    Node::start_with(runtimes)?.serve(async |server| {
        let booted = server.boot_with(RuntimeIndex(1), 3008, Start::Ready).await?;
        let bomb = Environment::new(booted)?;
        let members = group(server, &bomb)?.join("cgroup.procs");
        let count = || fs::read_to_string(&members).map_or(0, |list| list.lines().count());
        wait_until("there are many", || count() > 50)?;
        freeze(server, &bomb)?;
        let before = count();
        let other = server.boot().await?;
        fail_unless(count() == before, format!("{before} became {}", count()))?;
        for environment in [bomb, other] {
            server.warden.kill(environment.id);
            environment.end().await?;
        }
        Ok(())
    })
}

fn one_that_has_ended_is_gone() -> Outcome {
    Node::start()?.serve(async |server| {
        let booted = server.warden.boot(LEAST).await?;
        let freezer = booted.freezer.ok_or("it cannot be frozen")?;
        let output = Output::collect(booted.output);
        server.warden.kill(booted.id);
        booted.exit.await?;
        drop(output.all());
        wait_until("its group is gone", || freezer.freeze().is_err())?;
        fail_unless(freezer.thaw().is_err(), "something was thawed")?;
        // The next is another.
        let mut next = server.boot().await?;
        fail_unless(freezer.freeze().is_err(), "something was frozen")?;
        fail_unless(next.order(&json!({})).await?.is_some(), "no answer")
    })
}

fn one_that_is_just_ending_ends() -> Outcome {
    Node::start()?.serve(async |server| {
        for _ in 0..20 {
            let environment = server.boot().await?;
            server.warden.kill(environment.id);
            // It may have ended already.
            let _ = freezer(&environment)?.freeze();
            let (exit, _) = environment.end().await?;
            fail_unless(exit.status == ExitStatus::Signal(9), format!("{exit:?}"))?;
        }
        Ok(())
    })
}

fn it_ends_with_the_server() -> Outcome {
    Node::start()?.serve(async |server| {
        let environment = server.boot().await?;
        freeze(server, &environment)
    })
}

fn it_ends_with_a_killed_warden() -> Outcome {
    let Node {
        directory: _directory,
        warden,
        socket,
        before,
    } = Node::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let pid = warden.id();
    runtime.block_on(async {
        let client = WardenClient::new(socket, None)?;
        let mut environment = Environment::new(client.boot(LEAST).await?)?;
        environment.order(&json!({})).await?;
        freezer(&environment)?.freeze()?;
        // Dropping it kills the warden.
        tokio::task::spawn_blocking(move || drop(warden)).await?;
        client.died().await;
        Ok::<_, Failed>(())
    })?;
    drop(runtime);
    hearth_sandbox::launcher::prepare(tier())?;
    before.compare(pid)
}
