//! What an ordinary user needs.

use std::fs;

use rustix::io::Errno;

use super::Requirement;
use crate::isolation::privileges::missing;
use crate::isolation::user_namespace::{Denied, Part, probe};
use crate::sys::Alone;

/// Root's own processes are not counted by the kernel and own every file of root's, whatever namespace they are
/// in.
pub(super) fn user() -> Requirement {
    let root = rustix::process::geteuid().is_root() && is_the_hosts_root();
    Requirement {
        name: "ordinary user",
        met: !root,
        needed: true,
        found: if root { "root".into() } else { "yes".into() },
        advice: "root has the tier sandbox; for this one start Hearth as another user".into(),
    }
}

/// Whether user 0 is the host's, and not that of a user namespace whose users are others outside.
fn is_the_hosts_root() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().take(2).eq(["0", "0"])
}

/// Whether an ordinary user may do in a user namespace what is needed.
pub(super) fn namespaces() -> Requirement {
    let denied = match Alone::confirm() {
        // A launcher that has prepared itself was asked before, and may have threads since.
        Err(_) if missing().is_empty() => None,
        alone => alone.and_then(|alone| probe(&alone)).unwrap_or_else(|error| {
            let errno = Errno::from_io_error(&error).unwrap_or(Errno::PERM);
            Some(Denied {
                part: Part::Create,
                errno,
            })
        }),
    };
    let (found, advice) = match &denied {
        None => ("work".into(), String::new()),
        Some(denied) => (format!("{}: {}", denied.part, denied.errno), advice(denied)),
    };
    Requirement {
        name: "user namespaces",
        met: denied.is_none(),
        needed: true,
        found,
        advice,
    }
}

/// What keeps ordinary users from user namespaces, if it says so.
fn advice(denied: &Denied) -> String {
    let sysctl = |name: &str| {
        let path = format!("/proc/sys/{}", name.replace('.', "/"));
        fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
    };
    let is = |name: &str, value: &str| sysctl(name).as_deref() == Some(value);
    if is("user.max_user_namespaces", "0") {
        return "allow them: sysctl -w user.max_user_namespaces=15000".into();
    }
    if is("kernel.unprivileged_userns_clone", "0") {
        return "allow them: sysctl -w kernel.unprivileged_userns_clone=1".into();
    }
    if is("kernel.apparmor_restrict_unprivileged_userns", "1") {
        return "AppArmor takes their rights away, as on Ubuntu from 23.10 on: allow this program `userns,` in a \
                profile under /etc/apparmor.d, or all: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
            .into();
    }
    match denied.part {
        Part::Mount if missing().is_empty() => "the mounts here belong to another user namespace than this process's: \
                                                start it in a mount namespace of its own too (unshare --mount), or \
                                                outside of the user namespace"
            .into(),
        Part::Processes => "parts of /proc are hidden here, as in containers, which need \
                            --security-opt systempaths=unconfined (Docker) or procMount: Unmasked (Kubernetes)"
            .into(),
        Part::Create | Part::Root | Part::Mount | Part::Nested => {
            "a container needs --security-opt seccomp=unconfined --security-opt apparmor=unconfined; elsewhere \
             look for what restricts user namespaces, or start Hearth as root"
                .into()
        }
    }
}
