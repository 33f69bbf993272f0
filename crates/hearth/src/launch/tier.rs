//! Which tier of isolation a node gets.

use hearth_sandbox::Tier;
use hearth_sandbox::launcher::{LaunchError, Requirement, requirements};

use super::Mode;
use crate::failure::Failure;
use crate::settings::{Isolation, Settings};

/// The requirements that decide whether the others of a tier can be judged.
const DECISIVE: [&str; 2] = ["privileges", "ordinary user"];

/// What else there is where nothing can be isolated.
pub(crate) const LAST_RESORT: &str = "`hearth dev --isolation process` runs functions all the same, without any isolation: \
     as you, with your files, your network and your processes. It is for code you trust.";

/// The tier that the setting stands for here. Fails with what to do where that cannot isolate functions.
pub(super) fn choose(settings: &Settings, mode: Mode) -> Result<Tier, Failure> {
    let tier = meant(settings);
    let missing = lacking(tier, settings);
    if missing.is_empty() {
        return Ok(tier);
    }
    let error = LaunchError::Missing(tier, missing);
    Err(match mode {
        Mode::Dev => Failure::unavailable(format_args!("{error}\n{LAST_RESORT}")),
        Mode::Serve => error.into(),
    })
}

/// The tier that the setting means, whether or not it works.
pub(crate) fn meant(settings: &Settings) -> Tier {
    match settings.isolation {
        Isolation::Sandbox => Tier::Sandbox,
        Isolation::Rootless => Tier::Rootless,
        Isolation::Process => Tier::Process,
        Isolation::Auto if works(Tier::Sandbox, settings) || is_root() => Tier::Sandbox,
        Isolation::Auto => Tier::Rootless,
    }
}

/// Everything that a tier needs with these settings.
pub(crate) fn needed(tier: Tier, settings: &Settings) -> Vec<Requirement> {
    requirements(tier, super::server(settings), super::users(settings.uid_range))
}

/// Whether a tier works here.
pub(crate) fn works(tier: Tier, settings: &Settings) -> bool {
    lacking(tier, settings).is_empty()
}

/// What a tier needs and does not have here. Who lacks the decisive thing cannot do the others either, whatever the
/// machine has, so it is then told alone.
pub(crate) fn lacking(tier: Tier, settings: &Settings) -> Vec<Requirement> {
    let mut missing = needed(tier, settings);
    missing.retain(|requirement| requirement.needed && !requirement.met);
    let is_decisive = |requirement: &Requirement| DECISIVE.contains(&requirement.name);
    if missing.iter().any(is_decisive) {
        missing.retain(is_decisive);
    }
    missing
}

/// Says loudly, before anything runs, that a tier does not isolate, and what chose it. Others need no saying.
pub(super) fn warn(tier: Tier, chosen_by: Option<&str>) {
    if tier != Tier::Process {
        return;
    }
    let user = if is_root() { ", and you are root" } else { "" };
    let chosen_by = chosen_by.unwrap_or("isolation process");
    eprintln!("WARNING: {chosen_by}: functions are NOT isolated, they run as you{user}");
    for weakness in tier.weaknesses() {
        eprintln!("WARNING:   {weakness}");
    }
    eprintln!("WARNING: run only code that you trust; `hearth doctor` says what the other tiers need");
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
