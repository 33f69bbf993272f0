//! The life of environments as the server sees it.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use hearth_sandbox::{
    ClaimRequest, CpuPolicy, ExitStatus, RuntimeIndex, Sandbox, SandboxError, Start, Tier, WardenClient,
    launcher,
};
use hearth_types::{CodeHash, EnvironmentId};
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpSocket;

use crate::environment::{Environment, Output};
use crate::leftovers::{Before, wait_until};
use crate::node::{Directory, LEAST, Node, SERVER, USERS};
use crate::programs;
use crate::tier::tier;
use crate::{Outcome, suite};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = in_all_tiers();
    if tier() == Tier::Sandbox {
        trials.extend(with_groups());
    }
    if tier() != Tier::Process {
        trials.extend(with_walls());
    }
    trials
}

/// What needs control groups.
fn with_groups() -> Vec<Trial> {
    suite("life", &[("a_quota_bounds_cpu_time", a_quota_bounds_cpu_time)])
}

/// What is only so behind walls.
fn with_walls() -> Vec<Trial> {
    suite(
        "life",
        &[
            ("tmp_has_the_size_asked_for", tmp_has_the_size_asked_for),
            (
                "every_environment_has_a_user_of_its_own",
                every_environment_has_a_user_of_its_own,
            ),
            ("dangerous_settings_are_refused", dangerous_settings_are_refused),
        ],
    )
}

fn in_all_tiers() -> Vec<Trial> {
    suite(
        "life",
        &[
            ("answers_and_is_killed", answers_and_is_killed),
            ("variables_may_come_later", variables_may_come_later),
            ("code_appears_when_claimed", code_appears_when_claimed),
            ("layers_appear_with_the_code", layers_appear_with_the_code),
            (
                "memory_may_be_settled_when_claimed",
                memory_may_be_settled_when_claimed,
            ),
            (
                "exit_codes_and_signals_are_reported",
                exit_codes_and_signals_are_reported,
            ),
            ("an_interpreter_is_asked_to_end", an_interpreter_is_asked_to_end),
            ("who_does_not_listen_lives_on", who_does_not_listen_lives_on),
            (
                "a_socket_reaches_what_listens_inside",
                a_socket_reaches_what_listens_inside,
            ),
            ("an_endless_loop_is_killed", an_endless_loop_is_killed),
            (
                "what_it_leaves_running_is_killed",
                what_it_leaves_running_is_killed,
            ),
            ("memory_is_measured", memory_is_measured),
            ("a_full_warden_says_so", a_full_warden_says_so),
            (
                "a_boot_nobody_waits_for_is_undone",
                a_boot_nobody_waits_for_is_undone,
            ),
            (
                "everybody_hears_that_the_warden_died",
                everybody_hears_that_the_warden_died,
            ),
        ],
    )
}

/// The number of a file system whose owners can be translated.
const EXT4: rustix::fs::FsWord = 0xef53;

pub(crate) fn fail_unless(truth: bool, what: impl std::fmt::Display) -> Outcome {
    if truth {
        Ok(())
    } else {
        Err(what.to_string().into())
    }
}

/// Whether packages may have this owner, as functions see it.
fn owns_packages(owner: u32) -> bool {
    match tier() {
        Tier::Sandbox => [0, SERVER.uid].contains(&owner),
        Tier::Rootless => (USERS.first..USERS.first + USERS.count).contains(&owner),
        Tier::Process => owner == rustix::process::geteuid().as_raw(),
    }
}

/// Runs a program as code of a fresh environment.
async fn run(server: &crate::node::Server, program: &str) -> Result<Environment, Failed> {
    let code = server
        .directory
        .unpack(program, &[("main.py", program.as_bytes())])?;
    let mut environment = server.boot().await?;
    server.claim(&environment, code).await?;
    let order = json!({"run": "/var/task/main.py"});
    environment.send(format!("{order}\n").as_bytes()).await?;
    Ok(environment)
}

fn answers_and_is_killed() -> Outcome {
    Node::start()?.serve(async |server| {
        let mut environment = server.boot().await?;
        fail_unless(environment.order(&json!({})).await?.is_some(), "no answer")?;
        server.warden.kill(environment.id);
        server.warden.kill(environment.id);
        let (exit, output) = environment.end().await?;
        fail_unless(
            exit.status == ExitStatus::Signal(9) && !exit.out_of_memory,
            format!("{exit:?}"),
        )?;
        fail_unless(output.is_empty(), output)
    })
}

fn variables_may_come_later() -> Outcome {
    let program = "import os; print(sorted(os.environ.items()), os.listdir('/proc/self/fd'))";
    let runtime = programs::pythons()[0].running(&["-I", "-S", "-c", program]);
    Node::start_with(vec![runtime])?.serve(async |server| {
        let mut environment =
            Environment::new(server.boot_with(RuntimeIndex(0), 128, Start::Deferred).await?)?;
        let libraries = environment.places.of("/var/lang/lib");
        let path = format!("LD_LIBRARY_PATH={libraries}");
        environment
            .send_variables(&[&path, "LC_CTYPE=C.UTF-8", "SECRET=a=b c"])
            .await?;
        let (exit, output) = environment.end().await?;
        let expected = format!(
            "[('LC_CTYPE', 'C.UTF-8'), ('LD_LIBRARY_PATH', '{libraries}'), ('SECRET', 'a=b c')] \
             ['0', '1', '2', '3', '4']\n"
        );
        fail_unless(
            exit.status == ExitStatus::Code(0) && output == expected,
            format!("{exit:?} {output}"),
        )
    })
}

fn code_appears_when_claimed() -> Outcome {
    Node::start()?.serve(async |server| {
        let code = server.directory.unpack(
            "code",
            &[("main.py", b"import os; print(os.stat(ROOT + '/var/task').st_uid)")],
        )?;
        let mut environment = server.boot().await?;
        let order = json!({"run": "/var/task/main.py"});
        let answer = environment.order(&order).await?.unwrap_or_default();
        fail_unless(
            answer["error"]
                .as_str()
                .is_some_and(|error| error.contains("FileNotFound")),
            &answer,
        )?;
        let missing = CodeHash::of(b"nothing");
        let refused = server.claim(&environment, missing).await;
        fail_unless(
            matches!(refused, Err(SandboxError::NoSuchCode(code)) if code == missing.into()),
            "it is missing",
        )?;
        server.claim(&environment, code).await?;
        let again = server.claim(&environment, code).await;
        fail_unless(
            matches!(again, Err(SandboxError::AlreadyClaimed(_))),
            "it was claimed",
        )?;
        let answer = environment.order(&order).await?.unwrap_or_default();
        fail_unless(answer.get("error").is_none(), &answer)?;
        let (id, elsewhere) = (environment.id, EnvironmentId(99));
        server.warden.kill(id);
        let (_, output) = environment.end().await?;
        // Not every file system can show the server's files as root's.
        let translated = rustix::fs::statfs(server.directory.path())?.f_type == EXT4;
        let owner: u32 = output.trim_end().parse()?;
        let expected = match tier() {
            Tier::Sandbox if translated => owner == 0,
            _ => owns_packages(owner),
        };
        fail_unless(expected, output)?;
        for gone in [id, elsewhere] {
            let request = ClaimRequest {
                code: code.into(),
                layers: None,
                memory_mb: 128,
                ephemeral_mb: 512,
            };
            let refused = server.warden.claim(gone, request).await;
            fail_unless(
                matches!(refused, Err(SandboxError::NoSuchEnvironment(_))),
                "it is gone",
            )?;
        }
        let unknown = server.boot_with(RuntimeIndex(7), 128, Start::Ready).await;
        fail_unless(
            matches!(unknown, Err(SandboxError::NoSuchRuntime(RuntimeIndex(7)))),
            "no such runtime",
        )
    })
}

fn layers_appear_with_the_code() -> Outcome {
    let program = "import os; print(sorted(os.listdir(ROOT + '/opt')), os.stat(ROOT + '/opt').st_uid)";
    Node::start()?.serve(async |server| {
        let code = server
            .directory
            .unpack("code", &[("main.py", program.as_bytes())])?;
        let unpacked = server.directory.unpack("layers", &[("module.py", b"")])?;
        for (layers, listed) in [(Some(unpacked), "['module.py']"), (None, "[]")] {
            let mut environment = server.boot().await?;
            let request = ClaimRequest {
                code: code.into(),
                layers: Some(CodeHash::of(b"nothing")),
                memory_mb: 128,
                ephemeral_mb: 512,
            };
            let refused = server.warden.claim(environment.id, request).await;
            fail_unless(
                matches!(refused, Err(SandboxError::NoSuchCode(_))),
                "they are missing",
            )?;
            let request = ClaimRequest { layers, ..request };
            server.warden.claim(environment.id, request).await?;
            environment.order(&json!({"run": "/var/task/main.py"})).await?;
            server.warden.kill(environment.id);
            let (_, output) = environment.end().await?;
            fail_unless(output.starts_with(listed), &output)?;
            let owner: u32 = output[listed.len()..].trim().parse()?;
            fail_unless(owns_packages(owner), output)?;
        }
        Ok(())
    })
}

fn tmp_has_the_size_asked_for() -> Outcome {
    let program = "import os; s = os.statvfs('/tmp'); print(s.f_frsize * s.f_blocks >> 20)";
    Node::start()?.serve(async |server| {
        let code = server
            .directory
            .unpack("tmp", &[("main.py", program.as_bytes())])?;
        for (asked, given) in [(512, 512), (3000, 3000), (1, 512), (u32::MAX, 10_240)] {
            let mut environment = server.boot().await?;
            let request = ClaimRequest {
                code: code.into(),
                layers: None,
                memory_mb: 128,
                ephemeral_mb: asked,
            };
            server.warden.claim(environment.id, request).await?;
            environment.order(&json!({"run": "/var/task/main.py"})).await?;
            server.warden.kill(environment.id);
            let (_, output) = environment.end().await?;
            fail_unless(output == format!("{given}\n"), format!("{asked} gave {output}"))?;
        }
        Ok(())
    })
}

fn memory_may_be_settled_when_claimed() -> Outcome {
    let program =
        "block = bytearray(b'x' * (100 << 20)); more = bytearray(b'x' * (100 << 20)); print('fine')";
    Node::start()?.serve(async |server| {
        let code = server
            .directory
            .unpack("memory", &[("main.py", program.as_bytes())])?;
        for (booted, claimed, survives) in [(128, 512, true), (512, 128, false), (128, 128, false)] {
            let booted = server.boot_with(RuntimeIndex(0), booted, Start::Ready).await?;
            let mut environment = Environment::new(booted)?;
            let request = ClaimRequest {
                code: code.into(),
                layers: None,
                memory_mb: claimed,
                ephemeral_mb: 512,
            };
            server.warden.claim(environment.id, request).await?;
            let answer = environment.order(&json!({"run": "/var/task/main.py"})).await?;
            server.warden.kill(environment.id);
            let (exit, _) = environment.end().await?;
            let wanted = answer.is_some() == survives && exit.out_of_memory != survives;
            fail_unless(wanted, format!("{claimed} MB: {answer:?} {exit:?}"))?;
        }
        Ok(())
    })
}

fn exit_codes_and_signals_are_reported() -> Outcome {
    let python = &programs::pythons()[0];
    let cases = [
        ("raise SystemExit(0)", ExitStatus::Code(0)),
        ("import os; os._exit(127)", ExitStatus::Code(127)),
        ("import os; os.kill(os.getpid(), 15)", ExitStatus::Signal(15)),
        ("import os; os.kill(os.getpid(), 11)", ExitStatus::Signal(11)),
        ("import os; os.abort()", ExitStatus::Signal(6)),
    ];
    let runtimes = cases
        .iter()
        .map(|(program, _)| python.running(&["-I", "-S", "-c", program]))
        .collect();
    Node::start_with(runtimes)?.serve(async |server| {
        for (number, (program, status)) in cases.iter().enumerate() {
            let booted = server
                .boot_with(RuntimeIndex(number as u16), 128, Start::Ready)
                .await?;
            let exit = booted.exit.await?;
            fail_unless(exit.status == *status, format!("{program}: {exit:?}"))?;
            fail_unless(
                exit.peak_memory_bytes > 1 << 20 && exit.cpu > Duration::ZERO,
                format!("{exit:?}"),
            )?;
        }
        Ok(())
    })
}

/// An environment whose interpreter treats SIGTERM in this way.
async fn hearing(server: &crate::node::Server, action: &str) -> Result<Environment, Failed> {
    let program = format!(
        "import os, signal\n\
        def asked(*_):\n    \
            print('asked', flush=True)\n    \
            os._exit(7)\n\
        signal.signal(signal.SIGTERM, {action})\n"
    );
    let code = server
        .directory
        .unpack(action, &[("main.py", program.as_bytes())])?;
    let mut environment = server.boot().await?;
    server.claim(&environment, code).await?;
    environment.run("/var/task/main.py").await?;
    Ok(environment)
}

fn an_interpreter_is_asked_to_end() -> Outcome {
    Node::start()?.serve(async |server| {
        for (action, status, said) in [
            ("asked", ExitStatus::Code(7), "asked\n"),
            ("signal.SIG_DFL", ExitStatus::Signal(15), ""),
        ] {
            let environment = hearing(server, action).await?;
            server.warden.terminate(environment.id);
            let ended = environment.id;
            let (exit, output) = environment.end().await?;
            fail_unless(
                exit.status == status && output == said,
                format!("{exit:?}: {output}"),
            )?;
            server.warden.terminate(ended);
        }
        Ok(())
    })
}

fn who_does_not_listen_lives_on() -> Outcome {
    Node::start()?.serve(async |server| {
        let mut environment = hearing(server, "signal.SIG_IGN").await?;
        server.warden.terminate(environment.id);
        // Nor is anybody else asked.
        let mut other = server.boot().await?;
        for environment in [&mut environment, &mut other] {
            fail_unless(environment.order(&json!({})).await?.is_some(), "no answer")?;
            server.warden.kill(environment.id);
        }
        let (exit, _) = environment.end().await?;
        fail_unless(exit.status == ExitStatus::Signal(9), format!("{exit:?}"))
    })
}

/// Connects to a port of an environment's loopback and reads to the end.
async fn ask(server: &crate::node::Server, id: EnvironmentId, port: u16) -> Result<String, Failed> {
    let socket = server.warden.socket(id).await?;
    let socket = TcpSocket::from_std_stream(socket.into());
    let mut stream = socket.connect((Ipv4Addr::LOCALHOST, port).into()).await?;
    let mut said = String::new();
    stream.read_to_string(&mut said).await?;
    Ok(said)
}

fn a_socket_reaches_what_listens_inside() -> Outcome {
    Node::start()?.serve(async |server| {
        // The host's, which is about to be free.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let program = format!(
            "import socket, threading\n\
            listener = socket.create_server(('127.0.0.1', {port}))\n\
            def serve():\n    \
                while True:\n        \
                    stream = listener.accept()[0]\n        \
                    stream.sendall(b'inside')\n        \
                    stream.close()\n\
            threading.Thread(target=serve, daemon=True).start()\n"
        );
        let code = server
            .directory
            .unpack("listens", &[("main.py", program.as_bytes())])?;
        let mut environment = server.boot().await?;
        let unclaimed = server.warden.socket(environment.id).await;
        fail_unless(
            matches!(unclaimed, Err(SandboxError::NoSuchEnvironment(_))),
            format!("{unclaimed:?}"),
        )?;
        server.claim(&environment, code).await?;
        environment.run("/var/task/main.py").await?;
        for _ in 0..3 {
            fail_unless(
                ask(server, environment.id, port).await? == "inside",
                "something else",
            )?;
        }
        if tier() != Tier::Process {
            // Neither the host nor another environment is reached.
            let host = TcpListener::bind("127.0.0.1:0")?;
            let other = server.boot().await?;
            server.claim(&other, code).await?;
            for (id, port) in [(environment.id, host.local_addr()?.port()), (other.id, port)] {
                let reached = ask(server, id, port).await;
                fail_unless(reached.is_err(), format!("{reached:?}"))?;
            }
            server.warden.kill(other.id);
        }
        let id = environment.id;
        server.warden.kill(id);
        environment.end().await?;
        let ended = server.warden.socket(id).await;
        fail_unless(
            matches!(ended, Err(SandboxError::NoSuchEnvironment(_))),
            format!("{ended:?}"),
        )
    })
}

fn an_endless_loop_is_killed() -> Outcome {
    Node::start()?.serve(async |server| {
        let environment = run(server, "while True: pass").await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.warden.kill(environment.id);
        let (exit, _) = environment.end().await?;
        fail_unless(
            exit.status == ExitStatus::Signal(9) && exit.cpu > Duration::from_millis(30),
            format!("{exit:?}"),
        )
    })
}

fn what_it_leaves_running_is_killed() -> Outcome {
    const PROGRAM: &str = "import os, signal\n\
        for _ in range(5):\n    \
            if os.fork() == 0:\n        \
                os.setsid()\n        \
                signal.signal(signal.SIGTERM, signal.SIG_IGN)\n        \
                while True: signal.pause()\n\
        os._exit(3)";
    Node::start()?.serve(async |server| {
        let environment = run(server, PROGRAM).await?;
        let (exit, _) = environment.end().await?;
        fail_unless(exit.status == ExitStatus::Code(3), format!("{exit:?}"))
    })
}

fn memory_is_measured() -> Outcome {
    Node::start()?.serve(async |server| {
        let program = "block = bytearray(b'x') * (60 << 20)\ndel block";
        let code = server
            .directory
            .unpack("peak", &[("main.py", program.as_bytes())])?;
        let mut environment = server.boot().await?;
        server.claim(&environment, code).await?;
        environment.order(&json!({})).await?;
        let before = environment.memory.peak_bytes();
        fail_unless((1 << 20..60 << 20).contains(&before), before)?;
        environment.order(&json!({"run": "/var/task/main.py"})).await?;
        let peak = environment.memory.peak_bytes();
        fail_unless(peak > 60 << 20, peak)?;
        // Where memory is sampled, it is seen a little later that it was given back.
        let gone = || environment.memory.current_bytes() < 60 << 20;
        wait_until("the memory is given back", gone)?;
        server.warden.kill(environment.id);
        let (exit, _) = environment.end().await?;
        fail_unless(!exit.out_of_memory, format!("{exit:?}"))
    })
}

fn a_quota_bounds_cpu_time() -> Outcome {
    let before = Before::look()?;
    let directory = Directory::new()?;
    let busy = programs::pythons()[0].running(&["-I", "-S", "-c", "while True: pass"]);
    let launch = launcher::Launch {
        cpu: CpuPolicy::Quota,
        ..directory.launch(vec![busy])
    };
    let (warden, socket) = launcher::start_warden(&launch)?;
    Node {
        directory,
        warden,
        socket,
        before,
    }
    .serve(async |server| {
        let booted = server.boot_with(RuntimeIndex(0), 885, Start::Ready).await?;
        let started = Instant::now();
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.warden.kill(booted.id);
        let exit = booted.exit.await?;
        let share = exit.cpu.as_secs_f64() / started.elapsed().as_secs_f64();
        fail_unless(share < 0.6, format!("half a CPU was {share}"))
    })
}

fn every_environment_has_a_user_of_its_own() -> Outcome {
    let program = "import os; print(os.getuid(), os.getgid(), flush=True); os.read(3, 1)";
    let runtime = programs::pythons()[0].running(&["-I", "-S", "-c", program]);
    Node::start_with(vec![runtime])?.serve(async |server| {
        let mut users = std::collections::BTreeSet::new();
        for booted in server.boot_many(20).await? {
            let output = Output::collect(booted.output);
            drop(booted.control);
            booted.exit.await?;
            let text = output.all();
            let uid: u32 = text.split_whitespace().next().unwrap_or_default().parse()?;
            fail_unless(uid > USERS.first && uid < USERS.first + USERS.count, uid)?;
            fail_unless(text == format!("{uid} {uid}\n"), &text)?;
            users.insert(uid);
        }
        fail_unless(users.len() == 20, format!("{users:?}"))
    })
}

fn a_full_warden_says_so() -> Outcome {
    let runtime = programs::pythons()[0].running(&["-I", "-S", "-c", "import os; os.read(3, 1)"]);
    Node::start_with(vec![runtime])?.serve(async |server| {
        let mut environments = Vec::new();
        let refused = loop {
            match server.boot_with(RuntimeIndex(0), 128, Start::Ready).await {
                Ok(booted) => environments.push(booted),
                Err(error) => break error,
            }
        };
        fail_unless(matches!(refused, SandboxError::Full), &refused)?;
        fail_unless(environments.len() == USERS.count as usize - 1, environments.len())?;
        let last = environments.pop().ok_or("none was booted")?;
        server.warden.kill(last.id);
        last.exit.await?;
        server.boot_with(RuntimeIndex(0), 128, Start::Ready).await?;
        Ok(())
    })
}

fn a_boot_nobody_waits_for_is_undone() -> Outcome {
    Node::start()?.serve(async |server| {
        for _ in 0..USERS.count * 2 {
            let boot = server.boot_with(RuntimeIndex(0), 128, Start::Ready);
            // Long enough for the request to be sent.
            drop(tokio::time::timeout(Duration::from_micros(100), boot).await);
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        while let Err(error) = server.boot().await {
            fail_unless(Instant::now() < deadline, format!("{error:?}"))?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    })
}

fn everybody_hears_that_the_warden_died() -> Outcome {
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
        let booted = client.boot(LEAST).await?;
        let pending: Vec<_> = (0..10)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.boot(LEAST).await })
            })
            .collect();
        tokio::task::yield_now().await;
        // Dropping it kills the warden.
        tokio::task::spawn_blocking(move || drop(warden)).await?;
        client.died().await;
        fail_unless(booted.exit.await.is_err(), "there is nobody to report an exit")?;
        for boot in pending {
            let result = boot.await?;
            fail_unless(
                matches!(result, Ok(_) | Err(SandboxError::WardenDied)),
                "it fails for this reason",
            )?;
        }
        let late = client.boot(LEAST).await;
        fail_unless(matches!(late, Err(SandboxError::WardenDied)), "it is too late")
    })?;
    before.compare(pid)
}

fn dangerous_settings_are_refused() -> Outcome {
    let directory = Directory::new()?;
    let launch = || directory.launch(vec![programs::pythons()[0].obedient()]);
    let mut cases = vec![
        ("the server is root", launch()),
        ("the server is an environment's user", launch()),
    ];
    cases[0].1.server.uid = 0;
    cases[1].1.server.uid = USERS.first + 1;
    for (prefix, why) in [
        ("/", "everything is shown"),
        ("/nowhere", "there is no interpreter"),
    ] {
        let mut changed = launch();
        let program = changed.runtimes[0].prefix.join(&changed.runtimes[0].executable);
        changed.runtimes[0].executable = program.strip_prefix("/").unwrap_or(&program).to_owned();
        changed.runtimes[0].prefix = prefix.into();
        cases.push((why, changed));
    }
    let mut changed = launch();
    std::fs::write(directory.path().join("program"), "")?;
    changed.runtimes[0].executable = "program".into();
    changed.runtimes[0].prefix = directory.path().to_owned();
    cases.push(("the data directory is shown", changed));
    let mut changed = launch();
    changed.environments.first = 0;
    cases.push(("environments are root", changed));
    for (why, launch) in cases {
        fail_unless(launcher::start_warden(&launch).is_err(), why)?;
    }
    if tier() == Tier::Sandbox {
        std::fs::create_dir(directory.path().join("data"))?;
        std::fs::write(directory.path().join("data/file"), "root's")?;
        fail_unless(
            launcher::start_warden(&launch()).is_err(),
            "the data directory is somebody else's",
        )?;
        std::fs::remove_dir_all(directory.path().join("data"))?;
    }
    // A server that was taken over has put a link where the launcher is about to make a directory.
    let (warden, socket) = launcher::start_warden(&launch())?;
    drop((warden, socket));
    std::fs::remove_dir_all(directory.path().join("data/blobs"))?;
    std::os::unix::fs::symlink("/etc", directory.path().join("data/blobs"))?;
    fail_unless(
        launcher::start_warden(&launch()).is_err(),
        "a link is not followed",
    )?;
    fail_unless(
        !std::path::Path::new("/etc/trees").exists(),
        "nothing was made behind the link",
    )
}
