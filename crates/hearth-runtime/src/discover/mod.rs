//! Which interpreters this machine has.
//!
//! Looking must not delay a start, so versions come from names, headers and links; a program is run only
//! when nothing else tells its version.

mod inspect;
mod places;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use places::Places;

use crate::family::{Family, Version};

/// The oldest versions the bootstraps run on.
const OLDEST: [(Family, Version); 2] = [
    (
        Family::Nodejs,
        Version {
            major: 16,
            minor: 0,
            patch: 0,
        },
    ),
    (
        Family::Python,
        Version {
            major: 3,
            minor: 8,
            patch: 0,
        },
    ),
];

/// An interpreter and the folder that has to come with it into a sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledRuntime {
    /// The language.
    pub family: Family,
    /// Its version. The patch is 0 where only the program itself knows it.
    pub version: Version,
    /// The program, with no symbolic link in its path.
    pub executable: PathBuf,
    /// The folder it was installed into: `bin`, `lib` and the rest are below it.
    pub prefix: PathBuf,
    /// The program below the prefix, such as `bin/python3.11`.
    pub executable_in_prefix: PathBuf,
}

/// Where to look.
#[derive(Clone, Debug, Default)]
pub struct DiscoverySettings {
    /// Folders of programs and of version managers.
    pub places: Places,
    /// Interpreters that the settings name, by runtime identifier (`nodejs22.x`).
    pub named: BTreeMap<String, PathBuf>,
}

/// What was found. The launcher passes it on to the server, which may not look for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discovery {
    /// Every usable interpreter, once; each language's newest first. A place in this list is the number by
    /// which the sandbox knows the interpreter.
    pub installed: Vec<InstalledRuntime>,
    /// For identifiers in the settings: a place in the list, or why the named program cannot be used.
    pub named: BTreeMap<String, Result<usize, String>>,
}

/// Looks for interpreters.
pub fn discover(settings: &DiscoverySettings) -> Discovery {
    let named: BTreeMap<&String, Result<InstalledRuntime, String>> = settings
        .named
        .iter()
        .map(|(identifier, path)| (identifier, usable(path)))
        .collect();
    let candidates = settings.places.candidates();
    let found = candidates.iter().filter_map(|path| usable(path).ok());
    let found = found.filter(|runtime| is_its_own(&runtime.prefix));
    let mut installed: Vec<InstalledRuntime> = named
        .values()
        .filter_map(|named| named.clone().ok())
        .chain(found)
        .collect();
    installed.sort_by(|a, b| {
        let rank = |runtime: &InstalledRuntime| (runtime.family, std::cmp::Reverse(runtime.version));
        rank(a)
            .cmp(&rank(b))
            .then_with(|| a.executable.cmp(&b.executable))
    });
    installed.dedup();
    let place = |runtime: InstalledRuntime| {
        let same = |other: &InstalledRuntime| *other == runtime;
        installed
            .iter()
            .position(same)
            .expect("what the settings name is in the list")
    };
    let named = named
        .into_iter()
        .map(|(identifier, found)| (identifier.clone(), found.map(place)))
        .collect();
    Discovery { installed, named }
}

/// Whether a prefix holds an interpreter and nothing else. Functions see all of it, so a folder that a user
/// keeps other things in, such as ~/.local or /opt, is used only if the settings name the interpreter. Folders
/// of their own have the version or the language in their names (fnm calls each `installation`).
fn is_its_own(prefix: &Path) -> bool {
    let name = prefix
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    prefix == Path::new("/usr")
        || prefix == Path::new("/usr/local")
        || name.contains(|c: char| c.is_ascii_digit())
        || ["node", "python", "installation"]
            .iter()
            .any(|begin| name.starts_with(begin))
}

/// The interpreter at a path, if the bootstraps run on it.
fn usable(path: &Path) -> Result<InstalledRuntime, String> {
    let runtime = inspect::inspect(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let oldest = OLDEST.iter().find(|(family, _)| *family == runtime.family);
    match oldest {
        Some((family, oldest)) if runtime.version < *oldest => Err(format!(
            "{} is {} {}; {} is the oldest that is supported",
            path.display(),
            family.title(),
            runtime.version,
            family.release_name(*oldest)
        )),
        _ => Ok(runtime),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_shared_with_other_things_is_not_shown_to_functions() {
        for own in [
            "/usr",
            "/home/a/.nvm/versions/node/v20.1.0",
            "/opt/node-v20-linux-x64",
            "/opt/python3",
        ] {
            assert!(is_its_own(Path::new(own)), "{own}");
        }
        for shared in ["/home/a/.local", "/opt", "/home/a", "/"] {
            assert!(!is_its_own(Path::new(shared)), "{shared}");
        }
    }
}
