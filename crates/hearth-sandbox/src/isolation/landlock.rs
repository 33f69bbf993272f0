//! A second wall around files, where the kernel has Landlock: it holds even if the first, the mounts, has a
//! gap.

use std::io;

use landlock::{ABI, Access, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, Scope};

/// The newest version whose rights are used. Kernels that know less enforce what they know.
const KNOWN: ABI = ABI::V6;

/// From now on the process reads and executes only below its root, writes only below `writable` and to the
/// devices in /dev, and neither signals nor connects to anybody outside.
pub(crate) fn confine(writable: &[&str]) -> io::Result<()> {
    let read = AccessFs::from_read(KNOWN);
    let devices = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate;
    let rules = writable.iter().map(|path| (*path, AccessFs::from_all(KNOWN)));
    let rules = rules.chain([("/", read), ("/dev", devices | read)]);
    let mut ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN))
        .and_then(|ruleset| ruleset.scope(Scope::AbstractUnixSocket | Scope::Signal))
        .and_then(Ruleset::create)
        .map_err(io::Error::other)?;
    for (path, access) in rules {
        let path = PathFd::new(path).map_err(io::Error::other)?;
        ruleset = ruleset
            .add_rule(PathBeneath::new(path, access))
            .map_err(io::Error::other)?;
    }
    ruleset.restrict_self().map_err(io::Error::other)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sys;

    /// The mounts of an environment refuse all this as well; here Landlock stands alone.
    #[test]
    fn only_the_named_places_are_writable() {
        if sys::landlock_version().is_none() {
            println!("skipped: this kernel has no Landlock");
            return;
        }
        let (open, closed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (inside, outside) = (open.path().join("file"), closed.path().join("file"));
        fs::write(&outside, "text").unwrap();
        // It holds for the thread that asks for it.
        let thread = std::thread::spawn(move || {
            confine(&[inside.parent().unwrap().to_str().unwrap()]).unwrap();
            fs::write(&inside, "text").unwrap();
            fs::write("/dev/null", "text").unwrap();
            assert_eq!(fs::read_to_string(&outside).unwrap(), "text");
            assert!(fs::write(&outside, "other").is_err());
            assert!(fs::remove_file(&outside).is_err());
            assert!(fs::rename(&inside, outside.with_extension("moved")).is_err());
            assert!(fs::create_dir(outside.with_extension("made")).is_err());
        });
        thread.join().unwrap();
        assert_eq!(fs::read_to_string(closed.path().join("file")).unwrap(), "text");
    }
}
