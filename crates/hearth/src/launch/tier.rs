//! Which tier of isolation a node gets.

use hearth_sandbox::Tier;
use hearth_sandbox::launcher::{LaunchError, Requirement, requirements};

use crate::failure::Failure;
use crate::settings::Isolation;

/// The requirements that decide whether the others of a tier can be judged.
const DECISIVE: [&str; 2] = ["privileges", "ordinary user"];

/// The tier that the setting stands for here. Fails with what to do where that cannot isolate functions.
pub(super) fn choose(isolation: Isolation) -> Result<Tier, Failure> {
    let tier = meant(isolation);
    let mut missing = missing(tier);
    if missing
        .iter()
        .any(|requirement| DECISIVE.contains(&requirement.name))
    {
        // Who cannot do the first thing cannot do the others either, whatever the machine has.
        missing.retain(|requirement| DECISIVE.contains(&requirement.name));
    }
    if missing.is_empty() {
        Ok(tier)
    } else {
        Err(LaunchError::Missing(tier, missing).into())
    }
}

/// The tier that the setting means, whether or not it works.
pub(crate) fn meant(isolation: Isolation) -> Tier {
    match isolation {
        Isolation::Sandbox => Tier::Sandbox,
        Isolation::Rootless => Tier::Rootless,
        Isolation::Auto if works(Tier::Sandbox) || is_root() => Tier::Sandbox,
        Isolation::Auto => Tier::Rootless,
    }
}

/// Whether a tier works here.
pub(crate) fn works(tier: Tier) -> bool {
    missing(tier).is_empty()
}

fn missing(tier: Tier) -> Vec<Requirement> {
    requirements(tier)
        .into_iter()
        .filter(|requirement| requirement.needed && !requirement.met)
        .collect()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
