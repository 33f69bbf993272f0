//! A second wall around files, where the kernel has Landlock: it holds even if the first, the mounts, has a gap.

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
