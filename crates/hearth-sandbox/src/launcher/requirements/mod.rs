//! What a machine must have for environments to be isolated, and what to do where it has not.

mod numbers;
mod rootless;

use std::fs;
use std::io;
use std::path::Path;

use rustix::fs::Access;
use rustix::thread::CapabilitySet;

use crate::isolation::cgroup::{Controller, Version, hierarchies};
use crate::isolation::mounts::{self, SEALED};
use crate::isolation::network::{self, Interception};
use crate::isolation::privileges::{Identity, missing};
use crate::isolation::tier::Tier;
use crate::launcher::UserRange;
use crate::sys::{self, Alone, Forked};

/// One thing that was looked for.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// What it is.
    pub name: &'static str,
    /// It is there.
    pub met: bool,
    /// Nothing starts without it. What is not needed makes the isolation stronger or the platform faster.
    pub needed: bool,
    /// What was found.
    pub found: String,
    /// What to do if it is not there.
    pub advice: String,
}

/// The oldest kernel that has every call the warden makes.
const KERNEL: (u32, u32) = (5, 14);

/// The oldest kernel that has those of the tier process.
const KERNEL_OF_PROCESSES: (u32, u32) = (5, 9);

/// Looks for everything that a tier needs to run this user as the server and these as environments.
pub fn requirements(tier: Tier, server: Identity, environments: UserRange) -> Vec<Requirement> {
    let mut all = match tier {
        Tier::Sandbox => vec![
            privileges(),
            numbers::mapped(server, environments),
            kernel(KERNEL),
            namespaces(),
            mounts(),
        ],
        Tier::Rootless => vec![
            rootless::user(),
            kernel(KERNEL),
            namespaces(),
            rootless::namespaces(),
        ],
        Tier::Process => return vec![kernel(KERNEL_OF_PROCESSES)],
    };
    if tier == Tier::Sandbox {
        all.extend(Controller::ALL.map(controller));
    }
    all.extend([file_system(), seccomp(), landlock(), interception(tier)]);
    all
}

fn privileges() -> Requirement {
    let missing = missing();
    Requirement {
        name: "privileges",
        met: missing.is_empty(),
        needed: true,
        found: if missing.is_empty() {
            "all".into()
        } else {
            format!("without {}", names(missing))
        },
        advice: "start it as root (sudo), or a container with --privileged".into(),
    }
}

fn names(capabilities: CapabilitySet) -> String {
    let names: Vec<String> = capabilities
        .iter_names()
        .map(|(name, _)| format!("CAP_{name}"))
        .collect();
    names.join(", ")
}

fn kernel(oldest: (u32, u32)) -> Requirement {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy().into_owned();
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    Requirement {
        name: "kernel",
        met: version >= oldest,
        needed: true,
        found: release,
        advice: format!("Linux {}.{} or newer is needed", oldest.0, oldest.1),
    }
}

fn namespaces() -> Requirement {
    const KINDS: [&str; 7] = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
    let missing: Vec<&str> = KINDS
        .into_iter()
        .filter(|kind| !Path::new("/proc/self/ns").join(kind).exists())
        .collect();
    Requirement {
        name: "namespaces",
        met: missing.is_empty(),
        needed: true,
        found: if missing.is_empty() {
            "all".into()
        } else {
            format!("without {}", missing.join(", "))
        },
        advice: "use a kernel that is built with CONFIG_NAMESPACES and all kinds of them".into(),
    }
}

/// Root of a user namespace mounts nothing in a mount namespace that another has, and no /proc of its processes.
fn mounts() -> Requirement {
    let denied = ["tmpfs", "proc"]
        .into_iter()
        .find_map(|kind| Some((kind, mounts::create(kind, &[], SEALED).err()?)));
    Requirement {
        name: "mounts",
        met: denied.is_none(),
        needed: true,
        found: denied.map_or_else(|| "work".into(), |(kind, error)| format!("{kind}: {error}")),
        advice: "in a user namespace the mounts and the processes must be its own too (unshare --mount --pid --fork); \
                 better start it outside of that"
            .into(),
    }
}

fn controller(controller: Controller) -> Requirement {
    let hierarchies = hierarchies().unwrap_or_default();
    let found = hierarchies
        .iter()
        .find(|hierarchy| hierarchy.controllers.contains(&controller));
    let writable =
        found.is_some_and(|hierarchy| rustix::fs::access(&hierarchy.mount, Access::WRITE_OK).is_ok());
    let (name, needed) = match controller {
        Controller::Memory => ("cgroup memory", true),
        Controller::Cpu => ("cgroup cpu", true),
        Controller::Pids => ("cgroup pids", true),
        Controller::Freezer => ("cgroup freezer", false),
        Controller::Accounting => ("cgroup cpuacct", false),
    };
    let version = found.map(|hierarchy| match hierarchy.version {
        Version::V1 => "version 1",
        Version::V2 => "version 2",
    });
    Requirement {
        name,
        met: writable,
        needed,
        found: match version {
            Some(version) if writable => version.into(),
            Some(version) => format!("{version}, read-only"),
            None => "none".into(),
        },
        advice: format!(
            "mount control groups (version 2 at /sys/fs/cgroup) writable with the controller {}; \
             a container needs --privileged or --cgroupns=private",
            controller.name()
        ),
    }
}

fn file_system() -> Requirement {
    let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    Requirement {
        name: "tmpfs",
        met: known
            .lines()
            .any(|line| line.split_whitespace().last() == Some("tmpfs")),
        needed: true,
        found: String::new(),
        advice: "use a kernel that is built with CONFIG_TMPFS".into(),
    }
}

fn seccomp() -> Requirement {
    Requirement {
        name: "seccomp",
        met: Path::new("/proc/sys/kernel/seccomp/actions_avail").exists(),
        needed: true,
        found: String::new(),
        advice: "use a kernel that is built with CONFIG_SECCOMP_FILTER".into(),
    }
}

fn landlock() -> Requirement {
    let version = sys::landlock_version();
    Requirement {
        name: "Landlock",
        met: version.is_some(),
        needed: false,
        found: version.map_or_else(|| "none".into(), |version| format!("version {version}")),
        advice: "add landlock to the kernel's lsm= parameter for a second wall around files".into(),
    }
}

fn interception(tier: Tier) -> Requirement {
    let found = Alone::confirm()
        .and_then(|alone| try_interception(&alone, tier))
        .ok()
        .flatten();
    Requirement {
        name: "outbound network",
        met: found.is_some(),
        needed: false,
        found: match found {
            Some(Interception::Program) => "socket lookup programs".into(),
            Some(Interception::Rules) => "packet filter rules".into(),
            None => "none".into(),
        },
        advice: "functions reach only Hearth itself: outbound connections need a kernel built with CONFIG_BPF_SYSCALL \
                 and a process that may use bpf (root, a container with --privileged), or one with CONFIG_NFT_TPROXY"
            .into(),
    }
}

/// Tries it in a process and a network namespace of its own.
fn try_interception(alone: &Alone, tier: Tier) -> io::Result<Option<Interception>> {
    const FOUND: [Option<Interception>; 3] = [None, Some(Interception::Program), Some(Interception::Rules)];
    match sys::fork(alone, 0, None)? {
        Forked::Child => {
            let entered = tier.prepare_launcher().and_then(|()| network::leave());
            let found = entered.ok().and_then(|()| Interception::find());
            sys::exit(FOUND.iter().position(|one| *one == found).unwrap_or(0) as i32)
        }
        Forked::Parent(pid, _) => {
            let ended = sys::wait(Some(pid), true)?.ok_or(io::ErrorKind::WouldBlock)?;
            Ok(FOUND
                .get(libc::WEXITSTATUS(ended.status) as usize)
                .copied()
                .flatten())
        }
    }
}
