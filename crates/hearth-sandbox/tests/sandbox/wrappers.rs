//! Programs that start the interpreter in its place.

use hearth_sandbox::{ExitStatus, RuntimeIndex, Start};
use hearth_types::{CodeHash, Places};
use libtest_mimic::{Failed, Trial};

use crate::environment::Environment;
use crate::life::fail_unless;
use crate::node::{Directory, Node, Server};
use crate::programs;
use crate::{Outcome, suite};

pub(crate) fn trials() -> Vec<Trial> {
    suite(
        "wrappers",
        &[
            (
                "a_wrapper_starts_the_interpreter",
                a_wrapper_starts_the_interpreter,
            ),
            ("a_wrapper_that_cannot_is_named", a_wrapper_that_cannot_is_named),
        ],
    )
}

/// Starts a Python through one of these wrappers; how it ended and what was printed.
async fn start_through(
    server: &Server,
    code: CodeHash,
    wrapper: &str,
) -> Result<(ExitStatus, String), Failed> {
    let mut environment = Environment::new(server.boot_with(RuntimeIndex(0), 128, Start::Deferred).await?)?;
    server.claim(&environment, code).await?;
    let (wrapper, libraries) = (
        environment.places.real(wrapper),
        environment.places.of("/var/lang/lib"),
    );
    let block = format!("{wrapper}\0\0PATH=/usr/bin:/bin\0LD_LIBRARY_PATH={libraries}\0A=1\0");
    environment.send(&(block.len() as u32).to_be_bytes()).await?;
    environment.send(block.as_bytes()).await?;
    let places = environment.places.clone();
    let (exit, output) = environment.end().await?;
    Ok((exit.status, named_as_on_aws(&output, server, code, &places)))
}

/// What was printed, with the names that places have behind walls.
fn named_as_on_aws(output: &str, server: &Server, code: CodeHash, places: &Places) -> String {
    let unpacked = server.directory.trees().join(code.to_string());
    let output = output.replace(&unpacked.display().to_string(), "/var/task");
    match places.root() {
        "" => output,
        root => output.replace(root, ""),
    }
}

fn wrappers(directory: &Directory) -> Result<CodeHash, Failed> {
    const WRAP: &[u8] = b"export A=\"$A+wrapped\"\nexec \"$@\" more\n";
    let files: [(&str, &[u8]); 4] = [
        ("bare", WRAP),
        ("script", &[b"#!/bin/sh\n", WRAP].concat()),
        ("text", WRAP),
        ("broken", b"#!/nowhere\n"),
    ];
    let code = directory.unpack("wrappers", &files)?;
    for name in ["bare", "script", "broken"] {
        directory.set_mode(code, name, 0o755)?;
    }
    Ok(code)
}

fn a_wrapper_starts_the_interpreter() -> Outcome {
    let program = "import os, sys; print(sys.argv[1:], os.environ['A'], os.path.exists('/proc/self/fd/3'), os.getcwd())";
    let runtime = programs::pythons()[0].running(&["-I", "-S", "-c", program, "one"]);
    Node::start_with(vec![runtime])?.serve(async |server| {
        let code = wrappers(&server.directory)?;
        for (wrapper, expected) in [
            ("", "['one'] 1 True /var/task\n"),
            ("/var/task/script", "['one', 'more'] 1+wrapped True /var/task\n"),
            ("./script", "['one', 'more'] 1+wrapped True /var/task\n"),
            ("/var/task/bare", "['one', 'more'] 1+wrapped True /var/task\n"),
        ] {
            let (status, output) = start_through(server, code, wrapper).await?;
            fail_unless(
                status == ExitStatus::Code(0) && output == expected,
                format!("{wrapper}: {status} {output}"),
            )?;
        }
        Ok(())
    })
}

fn a_wrapper_that_cannot_is_named() -> Outcome {
    let runtime = programs::pythons()[0].running(&["-c", "print('started')"]);
    Node::start_with(vec![runtime])?.serve(async |server| {
        let code = wrappers(&server.directory)?;
        for (wrapper, code_of_exit, expected) in [
            ("/opt/nowhere", 127, "/opt/nowhere: does not exist\n"),
            ("/var/task", 127, "/var/task: does not exist\n"),
            ("/var/task/text", 126, "/var/task/text: is not an executable\n"),
            (
                "/var/task/broken",
                126,
                "/var/task/broken: No such file or directory (os error 2)\n",
            ),
        ] {
            let (status, output) = start_through(server, code, wrapper).await?;
            fail_unless(
                status == ExitStatus::Code(code_of_exit) && output == expected,
                format!("{wrapper}: {status} {output}"),
            )?;
        }
        Ok(())
    })
}
