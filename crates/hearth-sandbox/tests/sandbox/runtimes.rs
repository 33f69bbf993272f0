//! Every interpreter of this machine works in an environment, under the system call filter.

use hearth_sandbox::launcher::Runtime;
use hearth_sandbox::{ExitStatus, RuntimeIndex, Start};
use libtest_mimic::Trial;

use crate::Outcome;
use crate::environment::Output;
use crate::node::Node;
use crate::programs;

pub(crate) fn trials() -> Vec<Trial> {
    let pythons = programs::pythons()
        .iter()
        .map(|python| (python, python.running(&["{root}/var/runtime/everyday.py"])));
    let node = programs::node();
    let node = node
        .iter()
        .map(|node| (node, node.running(&["{root}/var/runtime/everyday.mjs"])));
    let trial = |(interpreter, runtime): (&programs::Interpreter, Runtime)| {
        Trial::test(format!("runtime::{}", interpreter.name), move || {
            everyday(runtime)
        })
    };
    pythons.chain(node).map(trial).collect()
}

fn everyday(runtime: Runtime) -> Outcome {
    Node::start_with(vec![runtime])?.serve(async |server| {
        let booted = server.boot_with(RuntimeIndex(0), 1024, Start::Ready).await?;
        let output = Output::collect(booted.output);
        let exit = booted.exit.await?;
        let output = output.all();
        if exit.status != ExitStatus::Code(0) || !output.ends_with("done\n") {
            return Err(format!("{exit:?}\n{output}").into());
        }
        Ok(())
    })
}
