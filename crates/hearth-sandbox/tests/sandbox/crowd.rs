//! An environment that makes as many processes as it can, all of them busy, beside others.

use hearth_sandbox::{RuntimeIndex, Sandbox, Start};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::environment::{Environment, Output};
use crate::leftovers::{processes, wait_until};
use crate::node::{Node, Server};
use crate::programs;
use crate::{Outcome, suite};

pub(crate) fn trials() -> Vec<Trial> {
    suite(
        "crowd",
        &[(
            "others_work_beside_a_fork_bomb_and_it_ends",
            others_work_beside_a_fork_bomb_and_it_ends,
        )],
    )
}

/// Each process makes others, until there are no more.
const FORKS: &str = "\
import os, time
print('begun', flush=True)
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.01)
";

/// How many processes are a crowd by any measure.
const MANY: usize = 500;
/// Memory for all of them.
const MEMORY_MB: u32 = 3008;

fn others_work_beside_a_fork_bomb_and_it_ends() -> Outcome {
    let python = &programs::pythons()[0];
    let runtimes = vec![python.obedient(), python.running(&["-I", "-S", "-c", FORKS])];
    Node::start_with(runtimes)?.serve(async |server| {
        let mut other = server.boot().await?;
        let crowd = server.boot_with(RuntimeIndex(1), MEMORY_MB, Start::Ready).await?;
        let output = Output::collect(crowd.output);
        wait_until("there is a crowd", || processes().len() > MANY)?;
        works(&mut other).await?;
        // One that has yet to start, too.
        let mut another = server.boot().await?;
        works(&mut another).await?;
        server.warden.kill(crowd.id);
        crowd.exit.await?;
        drop(output.all());
        // The two that work: an init and an interpreter each.
        wait_until("the crowd is gone", || processes().len() == 4)?;
        works(&mut other).await?;
        end(server, [other, another]).await
    })
}

async fn works(environment: &mut Environment) -> Outcome {
    let answer: Option<Value> = environment.order(&json!({})).await?;
    answer
        .map(drop)
        .ok_or_else(|| Failed::from("another environment ended"))
}

async fn end(server: &Server, environments: [Environment; 2]) -> Outcome {
    for environment in environments {
        server.warden.kill(environment.id);
        environment.end().await?;
    }
    Ok(())
}
