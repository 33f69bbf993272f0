//! The interpreters of this machine, as the launcher starts them.

use hearth_runtime::{Discovery, DiscoverySettings, InstalledRuntime, Places, discover, environment};
use hearth_sandbox::Tier;
use hearth_sandbox::launcher::Runtime;

use crate::settings::Settings;

/// Looks for interpreters where the user who starts Hearth and the settings have them.
pub(crate) fn look(settings: &Settings) -> Discovery {
    discover(&DiscoverySettings {
        places: Places::of_user(),
        named: settings.runtimes.clone(),
    })
}

/// What the warden has to know to start an interpreter in a tier.
pub(super) fn runtime(installed: &InstalledRuntime, tier: Tier) -> Runtime {
    let InstalledRuntime {
        family,
        prefix,
        executable_in_prefix,
        ..
    } = installed;
    let places = match tier {
        Tier::Sandbox | Tier::Rootless => hearth_types::Places::WALLED,
        // Every environment has its own, which the warden fills in.
        Tier::Process => hearth_types::Places::below("{root}"),
    };
    Runtime {
        prefix: prefix.clone(),
        executable: executable_in_prefix.clone(),
        arguments: family
            .arguments()
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect(),
        environment: environment::initial(*family, &places)
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect(),
        bootstrap: family
            .bootstrap()
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect(),
    }
}
