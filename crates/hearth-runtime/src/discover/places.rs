//! Folders in which interpreters are usually installed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Names under which programs are looked up in a folder of programs.
const PROGRAMS: [&str; 10] = [
    "node",
    "python3",
    "python3.8",
    "python3.9",
    "python3.10",
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
    "python3.15",
];

/// Version managers: the variable that moves their folder, that folder below the home folder, and where in
/// it each installed version has a folder. `*` is any name.
const MANAGERS: [(&str, &str, &str); 15] = [
    ("NVM_DIR", ".nvm", "versions/node/*"),
    ("FNM_DIR", ".local/share/fnm", "node-versions/*/installation"),
    ("FNM_DIR", ".fnm", "node-versions/*/installation"),
    ("VOLTA_HOME", ".volta", "tools/image/node/*"),
    ("NODENV_ROOT", ".nodenv", "versions/*"),
    ("PYENV_ROOT", ".pyenv", "versions/*"),
    ("ASDF_DATA_DIR", ".asdf", "installs/nodejs/*"),
    ("ASDF_DATA_DIR", ".asdf", "installs/python/*"),
    ("MISE_DATA_DIR", ".local/share/mise", "installs/node/*"),
    ("MISE_DATA_DIR", ".local/share/mise", "installs/python/*"),
    ("UV_PYTHON_INSTALL_DIR", ".local/share/uv/python", "*"),
    ("RYE_HOME", ".rye", "py/*"),
    ("N_PREFIX", "n", "n/versions/node/*"),
    ("RUNNER_TOOL_CACHE", "hostedtoolcache", "node/*/x64"),
    ("RUNNER_TOOL_CACHE", "hostedtoolcache", "Python/*/x64"),
];

/// The same outside of any home.
const SHARED: [&str; 4] = [
    "/opt/*",
    "/usr/local/n/versions/node/*",
    "/opt/hostedtoolcache/node/*/x64",
    "/opt/hostedtoolcache/Python/*/x64",
];

/// Where programs may be.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Folders of programs, such as those on PATH.
    pub folders: Vec<PathBuf>,
    /// Folders that have programs in `bin`, one `*` standing for any name.
    pub prefixes: Vec<PathBuf>,
}

impl Places {
    /// The places of the user who starts Hearth, also by sudo: PATH, the usual version managers, /usr,
    /// /usr/local, /opt.
    pub fn of_user() -> Self {
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        Self::of(|name| std::env::var_os(name).map(PathBuf::from), &accounts)
    }

    fn of(variable: impl Fn(&str) -> Option<PathBuf>, accounts: &str) -> Self {
        let path = variable("PATH").unwrap_or_default();
        let usual = ["/usr/local/bin", "/usr/bin"].map(PathBuf::from);
        let folders = std::env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .chain(usual);
        // Under sudo, HOME is root's.
        let invoker = variable("SUDO_USER").and_then(|user| home(accounts, user.to_str()?));
        let homes: Vec<PathBuf> = variable("HOME").into_iter().chain(invoker).collect();
        let managed = MANAGERS.iter().flat_map(|(moved, folder, versions)| {
            let roots = match variable(moved) {
                Some(root) => vec![root],
                None => homes.iter().map(|home| home.join(folder)).collect(),
            };
            roots.into_iter().map(move |root| root.join(versions))
        });
        Self {
            folders: folders.collect(),
            prefixes: managed.chain(SHARED.map(PathBuf::from)).collect(),
        }
    }

    /// Every path at which a program may be.
    pub(super) fn candidates(&self) -> Vec<PathBuf> {
        let prefixes = self.prefixes.iter().flat_map(|pattern| matching(pattern));
        let below = prefixes.map(|prefix| prefix.join("bin"));
        let mut folders: Vec<PathBuf> = self.folders.iter().cloned().chain(below).collect();
        folders.sort();
        folders.dedup();
        let paths = folders
            .iter()
            .flat_map(|folder| PROGRAMS.map(|program| folder.join(program)));
        paths.filter(|path| path.exists()).collect()
    }
}

/// The home folder of a user, from the lines of /etc/passwd.
fn home(accounts: &str, user: &str) -> Option<PathBuf> {
    let mut lines = accounts.lines().map(|line| line.split(':'));
    lines
        .find_map(|mut fields| (fields.next() == Some(user)).then(|| fields.nth(4)).flatten())
        .map(PathBuf::from)
}

/// The folders that a pattern with at most one `*` stands for.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let parts: Vec<&OsStr> = pattern.iter().collect();
    let Some(star) = parts.iter().position(|part| *part == "*") else {
        return vec![pattern.to_owned()];
    };
    let folder: PathBuf = parts[..star].iter().collect();
    let rest: PathBuf = parts[star + 1..].iter().collect();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path().join(&rest)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managers_are_found_below_home_or_where_their_variable_says() {
        let variable = |name: &str| match name {
            "HOME" => Some("/home/ada".into()),
            "NVM_DIR" => Some("/srv/nvm".into()),
            "PATH" => Some("/bin:relative:/usr/bin".into()),
            "SUDO_USER" => Some("grace".into()),
            _ => None,
        };
        let places = Places::of(
            variable,
            "ada:x:1:1::/home/ada:/bin/sh\ngrace:x:2:2:Grace:/home/g:/bin/sh\n",
        );
        let has = |prefix: &str| places.prefixes.contains(&PathBuf::from(prefix));
        assert!(has("/srv/nvm/versions/node/*"));
        assert!(has("/home/ada/.pyenv/versions/*"));
        assert!(has("/home/g/.pyenv/versions/*"));
        assert!(!has("/home/ada/.nvm/versions/node/*"));
        assert!(places.folders.contains(&PathBuf::from("/bin")));
        assert!(!places.folders.contains(&PathBuf::from("relative")));
    }

    #[test]
    fn a_star_stands_for_every_folder() {
        let root = tempfile::tempdir().unwrap();
        for version in ["20.1.0", "22.0.0"] {
            let bin = root.path().join(version).join("installation/bin");
            std::fs::create_dir_all(&bin).unwrap();
            std::fs::write(bin.join("node"), "").unwrap();
        }
        let prefixes = vec![root.path().join("*/installation"), "/nowhere/*".into()];
        let places = Places {
            folders: Vec::new(),
            prefixes,
        };
        assert_eq!(places.candidates().len(), 2);
    }
}
