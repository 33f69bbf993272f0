//! Where `dev` keeps its data if nobody says otherwise.

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use hearth_types::CodeHash;

/// In the working directory; used where it is there, or where the user has no home.
const HERE: &str = ".hearth";
/// Below the user's state directory, one directory for each folder that `dev` was started in.
const ELSEWHERE: &str = "hearth";
/// How much of a folder's name is shown, and how much of the hash of its path tells it from others of its name.
const LETTERS: usize = 60;
const DIGITS: usize = 12;

/// The data directory of the working directory.
///
/// It lies outside of it, since functions may be shown what is in there, and the keys are not for them.
pub(crate) fn state_directory() -> io::Result<PathBuf> {
    let home = home_state(|name| env::var_os(name).map(PathBuf::from));
    Ok(directory_for(&env::current_dir()?, home.as_deref()))
}

fn directory_for(folder: &Path, state: Option<&Path>) -> PathBuf {
    let here = folder.join(HERE);
    match state {
        Some(state) if fs::symlink_metadata(&here).is_err() => state.join(ELSEWHERE).join(name_of(folder)),
        _ => here,
    }
}

/// A folder's own name, for people, and what no other folder has.
fn name_of(folder: &Path) -> String {
    let hash = CodeHash::of(folder.as_os_str().as_encoded_bytes()).to_string();
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().take(LETTERS).collect();
    format!("{name}-{}", &hash[..DIGITS])
}

/// The directory of the user's state, by the XDG base directory specification. A home that belongs to somebody else, as
/// under some kinds of sudo and in containers without accounts, is none.
fn home_state(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let named = |name| variable(name).filter(|path| path.is_absolute());
    let own = |home: &PathBuf| {
        let user = rustix::process::geteuid().as_raw();
        home.metadata()
            .is_ok_and(|home| home.is_dir() && home.uid() == user)
    };
    named("XDG_STATE_HOME").or_else(|| Some(named("HOME").filter(own)?.join(".local/state")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_has_its_own_directory_outside_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = Path::new("/home/ada/.local/state");
        let (one, other) = (folder.path().join("a/greet"), folder.path().join("b/greet"));
        let place = |folder: &Path| directory_for(folder, Some(state));
        assert_eq!(place(&one), place(&one));
        assert_ne!(place(&one), place(&other));
        let name = place(&one).strip_prefix(state.join("hearth")).unwrap().to_owned();
        assert!(name.to_str().unwrap().starts_with("greet-"), "{name:?}");
        assert!(place(Path::new("/")).starts_with(state));
    }

    #[test]
    fn what_is_in_the_folder_already_stays_there() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join(HERE);
        assert_eq!(directory_for(folder.path(), None), here);
        fs::create_dir(&here).unwrap();
        assert_eq!(directory_for(folder.path(), Some(Path::new("/state"))), here);
    }

    #[test]
    fn a_home_is_the_users_own() {
        let home = tempfile::tempdir().unwrap();
        let find = |state: &str, home: &str| {
            home_state(|name| match name {
                "XDG_STATE_HOME" => Some(state.into()),
                "HOME" => Some(home.into()),
                _ => None,
            })
        };
        let own = home.path().to_str().unwrap();
        assert_eq!(find("", own), Some(home.path().join(".local/state")));
        assert_eq!(find("/state", own), Some(PathBuf::from("/state")));
        assert_eq!(find("state", "/proc/1/nowhere"), None);
        assert_eq!(find("", ""), None);
    }
}
