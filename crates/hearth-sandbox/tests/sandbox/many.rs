//! Many environments, whose ends come at every moment of their lives: nothing is left of them.

use std::fs;
use std::path::Path;

use hearth_sandbox::{Booted, ClaimRequest, Exit, Sandbox, Tier, WardenClient};
use hearth_types::CodeHash;
use libtest_mimic::{Failed, Trial};

use crate::leftovers::{groups, processes, wait_until};
use crate::life::fail_unless;
use crate::node::{LEAST, Node};
use crate::programs;
use crate::tier::tier;
use crate::{Outcome, suite};

pub(crate) fn trials() -> Vec<Trial> {
    suite(
        "many",
        &[("nothing_is_left_of_thousands", nothing_is_left_of_thousands)],
    )
}

/// How many live at a time.
const AT_ONCE: usize = 25;
/// How often: two thousand of them where their groups could be left too.
fn rounds() -> usize {
    match tier() {
        Tier::Sandbox => 80,
        Tier::Rootless | Tier::Process => 20,
    }
}
/// Things that a warden may have more of than before: what it prepares for the next environments.
const PREPARED: usize = 100;

/// What there is of everything that environments take.
#[derive(Debug)]
struct Held {
    warden_descriptors: usize,
    own_descriptors: usize,
    warden_mounts: usize,
    children: usize,
    groups: usize,
    identities: usize,
}

impl Held {
    fn count(warden: u32) -> Self {
        let entries = |path: &str| fs::read_dir(path).map_or(0, Iterator::count);
        let lines = |path: &str| fs::read_to_string(path).map_or(0, |text| text.lines().count());
        let below = |group: &Path| {
            let entries = fs::read_dir(group).into_iter().flatten().flatten();
            entries.filter(|entry| entry.path().is_dir()).count()
        };
        Self {
            warden_descriptors: entries(&format!("/proc/{warden}/fd")),
            own_descriptors: entries("/proc/self/fd"),
            warden_mounts: lines(&format!("/proc/{warden}/mountinfo")),
            // Those that have ended and were not waited for among them.
            children: fs::read_to_string(format!("/proc/{warden}/task/{warden}/children"))
                .map_or(0, |list| list.split_whitespace().count()),
            groups: groups(warden).iter().map(|group| below(group)).sum(),
            identities: entries(&format!("/proc/{warden}/root/identities")),
        }
    }

    fn is_like(&self, before: &Self) -> bool {
        self.warden_descriptors < before.warden_descriptors + PREPARED
            && self.own_descriptors <= before.own_descriptors
            && self.warden_mounts <= before.warden_mounts
            && self.children == 0
            && self.groups == 0
            && (tier() == Tier::Process || self.identities == 0)
    }
}

fn nothing_is_left_of_thousands() -> Outcome {
    Node::start_with(vec![programs::sleeping()])?.serve(async |server| {
        let code = server.directory.unpack("code", &[])?;
        let before = Held::count(server.warden_pid);
        for round in 0..rounds() {
            let lives = (0..AT_ONCE).map(|number| {
                let warden = server.warden.clone();
                tokio::spawn(async move { live(&warden, code, round + number).await })
            });
            for life in lives.collect::<Vec<_>>() {
                life.await?.map_err(Failed::from)?;
            }
        }
        wait_until("nothing is left", || {
            processes().is_empty() && Held::count(server.warden_pid).is_like(&before)
        })
        .map_err(|_| format!("{before:?} became {:?}", Held::count(server.warden_pid)))?;
        // As many as ever can be made.
        let all = server.boot_many(AT_ONCE).await?;
        fail_unless(all.len() == AT_ONCE, all.len())?;
        all.iter().for_each(|booted| server.warden.kill(booted.id));
        Ok(())
    })
}

/// A life that ends in one of many ways.
async fn live(warden: &WardenClient, code: CodeHash, way: usize) -> Result<(), String> {
    if way.is_multiple_of(6) {
        // Nobody waits for it.
        let (client, boot) = (warden.clone(), LEAST);
        let boot = tokio::spawn(async move { client.boot(boot).await });
        for _ in 0..way % 7 {
            tokio::task::yield_now().await;
        }
        boot.abort();
        return Ok(());
    }
    let booted = warden.boot(LEAST).await.map_err(|error| error.to_string())?;
    let claim = warden.claim(
        booted.id,
        ClaimRequest {
            code: code.into(),
            layers: None,
            memory_mb: 256,
            ephemeral_mb: 512,
        },
    );
    let freeze = |booted: &Booted| booted.freezer.as_ref().map(|freezer| freezer.freeze());
    match way % 6 {
        // Ready.
        1 => warden.kill(booted.id),
        // In the middle of being claimed.
        2 => {
            warden.kill(booted.id);
            // Which of both comes first is not said.
            let _ = claim.await;
        }
        // Claimed.
        3 => {
            claim.await.map_err(|error| error.to_string())?;
            warden.kill(booted.id);
        }
        // Frozen.
        4 => {
            claim.await.map_err(|error| error.to_string())?;
            freeze(&booted);
            warden.kill(booted.id);
        }
        // By itself.
        _ => warden.terminate(booted.id),
    }
    let ended: Result<Exit, _> = booted.exit.await;
    ended.map(drop).map_err(|_| "the warden has ended".into())
}
