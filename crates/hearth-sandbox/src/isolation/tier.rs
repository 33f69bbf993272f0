//! The tiers of isolation: what Hearth does depends on what the kernel lets it do. Everything that differs
//! between them is decided here.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::thread::CapabilitySet;
use serde::{Deserialize, Serialize};

use super::bounds::Bounds;
use super::cgroup::{self, GroupBounds, Mark};
use super::limits::CpuPolicy;
use super::privileges::{self, Identity};
use super::sampled::SampledBounds;
use super::seccomp::Filter;
use super::{owners, user_namespace};
use crate::sys::Alone;

/// How environments are kept apart from the machine and from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Namespaces, control groups and users of their own, set up with root's rights.
    Sandbox,
    /// The same walls in a user namespace, which an ordinary user may make. All files and processes belong to
    /// that user outside of it, there are no control groups, and memory is bounded by looking at it.
    Rootless,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sandbox => "sandbox",
            Self::Rootless => "rootless",
        })
    }
}

impl Tier {
    /// All of them, the strongest first.
    pub const ALL: [Self; 2] = [Self::Sandbox, Self::Rootless];

    /// What is weaker than in the tier sandbox, one sentence each.
    pub fn weaknesses(self) -> &'static [&'static str] {
        match self {
            Self::Sandbox => &[],
            Self::Rootless => &[
                "functions, server and warden are the same user on the host, you: namespaces, seccomp and Landlock \
                 alone keep functions from your files and processes",
                "memory is looked at every 50 ms, so that a function may have more than its size for so long; \
                 memory that no process has mapped (memfd_create, shmget) is refused",
                "CPU is not shared by memory size, and cpu-policy quota is refused; functions come after all else that you \
                 run, those that make a crowd of processes last",
                "functions keep your supplementary groups",
            ],
        }
    }

    /// Gives the launcher the rights that the others are started with. The process must have one thread, but
    /// where it has those rights already.
    pub(crate) fn prepare_launcher(self) -> io::Result<()> {
        match self {
            Self::Sandbox => Ok(()),
            Self::Rootless if privileges::missing().is_empty() => Ok(()),
            Self::Rootless => user_namespace::enter(&Alone::confirm()?),
        }
    }

    /// The namespaces (`CLONE_NEW*` flags) that warden and server are created in. Where they are users of the
    /// same number as everybody else's processes, they must not see those, nor each other.
    pub(crate) fn namespaces(self) -> libc::c_int {
        match self {
            Self::Sandbox => 0,
            Self::Rootless => libc::CLONE_NEWPID,
        }
    }

    /// What the warden must be capable of beside what it does in every tier: the kernel wants this from who makes
    /// a user namespace in which its own root is somebody.
    pub(crate) fn capabilities(self) -> CapabilitySet {
        match self {
            Self::Sandbox => CapabilitySet::empty(),
            Self::Rootless => CapabilitySet::SETFCAP,
        }
    }

    /// Who owns the files of the server, as the launcher sees it.
    pub(crate) fn owner(self, server: Identity) -> Identity {
        match self {
            Self::Sandbox => server,
            Self::Rootless => Identity { uid: 0, gid: 0 },
        }
    }

    /// What shows the server's files as root's, where there is such a thing.
    pub(crate) fn owners(self, alone: &Alone, server: Identity) -> Option<io::Result<OwnedFd>> {
        match self {
            Self::Sandbox => Some(owners::as_root(alone, server)),
            Self::Rootless => None,
        }
    }

    /// What shows a user's files as an environment's, where these are not the same user anyway.
    pub(crate) fn shares(
        self,
        alone: &Alone,
        owner: Identity,
        user: Identity,
    ) -> io::Result<Option<OwnedFd>> {
        match self {
            Self::Sandbox => owners::translate(alone, owner, user).map(Some),
            Self::Rootless => Ok(None),
        }
    }

    /// What holds environments to their limits.
    pub(crate) fn bounds(self, mark: Mark, cpu: CpuPolicy) -> io::Result<Box<dyn Bounds>> {
        Ok(match self {
            Self::Sandbox => Box::new(GroupBounds::create(mark, cpu)?),
            Self::Rootless => Box::new(SampledBounds),
        })
    }

    /// Removes what a warden that was killed has left.
    pub(crate) fn sweep_after(self, warden: Mark) -> io::Result<()> {
        match self {
            Self::Sandbox => cgroup::sweep_after(warden),
            Self::Rootless => Ok(()),
        }
    }

    /// The system calls of environments.
    pub(crate) fn filter(self) -> io::Result<Filter> {
        match self {
            Self::Sandbox => Filter::of_environments(),
            Self::Rootless => Filter::of_counted_environments(),
        }
    }

    /// Lets Hearth itself, and whatever else the user runs, go before this process and all below it, where no control
    /// group sees to that.
    pub(crate) fn go_after_others(self) -> io::Result<()> {
        match self {
            Self::Sandbox => Ok(()),
            Self::Rootless => privileges::go_after_others(),
        }
    }

    /// Turns this process into an ordinary user without capabilities, which dies with its parent. `proc` is a
    /// writable /proc that shows this process.
    pub(crate) fn become_user(self, identity: Identity, proc: impl AsFd) -> io::Result<()> {
        match self {
            Self::Sandbox => privileges::become_user(identity),
            Self::Rootless => user_namespace::become_user(identity, proc.as_fd()),
        }
    }
}

/// Opens a /proc for [`Tier::become_user`].
pub(crate) fn open_proc() -> io::Result<OwnedFd> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open("/proc", flags, Mode::empty())?)
}
