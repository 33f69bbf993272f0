//! The tiers of isolation: what Hearth does depends on what the kernel lets it do. Everything that differs
//! between them is decided here.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::mount::MountAttrFlags;
use rustix::thread::CapabilitySet;
use serde::{Deserialize, Serialize};

use super::base::{self, Base};
use super::bounds::Bounds;
use super::cgroup::{self, GroupBounds, Mark};
use super::ground::{self, Bare, Ground, Walled};
use super::limits::CpuPolicy;
use super::mounts;
use super::privileges::{self, Identity};
use super::sampled::SampledBounds;
use super::seccomp::Filter;
use super::{owners, user_namespace};
use crate::launcher::WardenManifest;
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
    /// None at all: environments are ordinary processes of the user who starts Hearth. They end when they should, and
    /// that is all.
    Process,
}

/// The two ways to put up walls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walls {
    /// [`Tier::Sandbox`].
    OfRoot,
    /// [`Tier::Rootless`].
    OfUser,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sandbox => "sandbox",
            Self::Rootless => "rootless",
            Self::Process => "process",
        })
    }
}

impl Tier {
    /// All of them, the strongest first.
    pub const ALL: [Self; 3] = [Self::Sandbox, Self::Rootless, Self::Process];

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
            Self::Process => &[
                "nothing is isolated: functions run as you, and read, change and delete whatever you can, the code of \
                 other functions and Hearth's data directory with its keys included",
                "functions see and signal your processes, other functions' and Hearth's",
                "functions use your network, 127.0.0.1 and cloud metadata included; policies other than allow are \
                 refused; whoever is on this machine can connect to their Runtime API",
                "nothing is at /var/task or /opt, and /tmp is the machine's: LAMBDA_TASK_ROOT and TMPDIR name what is a \
                 function's own",
                "memory is looked at every 50 ms, what no process has mapped is not counted, and the sizes of /tmp, \
                 shares of CPU and the number of processes are not held to",
            ],
        }
    }

    /// The walls around environments, if there are any.
    pub(crate) fn walls(self) -> Option<Walls> {
        match self {
            Self::Sandbox => Some(Walls::OfRoot),
            Self::Rootless => Some(Walls::OfUser),
            Self::Process => None,
        }
    }

    /// Gives the launcher the rights that the others are started with. The process must have one thread, but
    /// where it has those rights already.
    pub(crate) fn prepare_launcher(self) -> io::Result<()> {
        match self {
            Self::Sandbox | Self::Process => Ok(()),
            Self::Rootless if privileges::missing().is_empty() => Ok(()),
            Self::Rootless => user_namespace::enter(&Alone::confirm()?),
        }
    }

    /// The namespaces (`CLONE_NEW*` flags) that warden and server are created in. Where they are users of the
    /// same number as everybody else's processes, they must not see those, nor each other.
    pub(crate) fn namespaces(self) -> libc::c_int {
        match self {
            Self::Sandbox | Self::Process => 0,
            Self::Rootless => libc::CLONE_NEWPID,
        }
    }

    /// Who owns the files of the server, as the launcher sees it.
    pub(crate) fn owner(self, server: Identity) -> Identity {
        match self {
            Self::Sandbox => server,
            Self::Rootless => Identity { uid: 0, gid: 0 },
            Self::Process => Identity {
                uid: rustix::process::geteuid().as_raw(),
                gid: rustix::process::getegid().as_raw(),
            },
        }
    }

    /// The parts of the base that environments and server are shown.
    pub(crate) fn open_base(self, base: &Path) -> io::Result<Base> {
        match self {
            Self::Sandbox | Self::Rootless => Base::open(base),
            Self::Process => Ok(Base::default()),
        }
    }

    /// Something that stands for a directory in another process: a view of it with these attributes, or where nothing
    /// can be mounted the directory itself.
    pub(crate) fn view(self, directory: impl AsFd, attributes: MountAttrFlags) -> io::Result<OwnedFd> {
        match self {
            Self::Sandbox | Self::Rootless => {
                let view = mounts::view(directory, "")?;
                mounts::restrict(&view, attributes)?;
                Ok(view)
            }
            Self::Process => directory.as_fd().try_clone_to_owned(),
        }
    }

    /// The same for the prefix of an interpreter, which may hold what is mounted there.
    pub(crate) fn view_of_prefix(self, prefix: &Path) -> io::Result<OwnedFd> {
        match self {
            Self::Sandbox | Self::Rootless => base::view(prefix),
            Self::Process => {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                Ok(rustix::fs::open(prefix, flags, Mode::empty())?)
            }
        }
    }

    /// What the warden makes environments on. It locks this process in where there are walls.
    pub(crate) fn ground(self, alone: &Alone, manifest: &WardenManifest) -> io::Result<Box<dyn Ground>> {
        Ok(match self.walls() {
            Some(walls) => Box::new(Walled::enter(walls, alone, manifest)?),
            None => Box::new(Bare::enter(manifest)?),
        })
    }

    /// What holds environments to their limits.
    pub(crate) fn bounds(self, mark: Mark, cpu: CpuPolicy) -> io::Result<Box<dyn Bounds>> {
        Ok(match self {
            Self::Sandbox => Box::new(GroupBounds::create(mark, cpu)?),
            Self::Rootless => Box::new(SampledBounds::of_namespaces()),
            Self::Process => Box::new(SampledBounds::of_descendants()),
        })
    }

    /// Removes what a warden that was killed has left.
    pub(crate) fn sweep_after(self, warden: Mark, scratch: Option<&Path>) -> io::Result<()> {
        match (self, scratch) {
            (Self::Sandbox, _) => cgroup::sweep_after(warden),
            (Self::Process, Some(scratch)) => ground::await_keepers(scratch),
            (Self::Rootless | Self::Process, _) => Ok(()),
        }
    }
}

impl Walls {
    /// What the warden must be capable of beside what it does in every tier: the kernel wants this from who makes
    /// a user namespace in which its own root is somebody.
    pub(crate) fn capabilities(self) -> CapabilitySet {
        match self {
            Self::OfRoot => CapabilitySet::empty(),
            Self::OfUser => CapabilitySet::SETFCAP,
        }
    }

    /// What shows the server's files as root's, where there is such a thing.
    pub(crate) fn owners(self, alone: &Alone, server: Identity) -> Option<io::Result<OwnedFd>> {
        match self {
            Self::OfRoot => Some(owners::as_root(alone, server)),
            Self::OfUser => None,
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
            Self::OfRoot => owners::translate(alone, owner, user).map(Some),
            Self::OfUser => Ok(None),
        }
    }

    /// The system calls of environments.
    pub(crate) fn filter(self) -> io::Result<Filter> {
        match self {
            Self::OfRoot => Filter::of_environments(),
            Self::OfUser => Filter::of_counted_environments(),
        }
    }

    /// Lets Hearth itself, and whatever else the user runs, go before this process and all below it, where no control
    /// group sees to that.
    pub(crate) fn go_after_others(self) -> io::Result<()> {
        match self {
            Self::OfRoot => Ok(()),
            Self::OfUser => privileges::go_after_others(),
        }
    }

    /// Turns this process into an ordinary user without capabilities, which dies with its parent. `proc` is a
    /// writable /proc that shows this process.
    pub(crate) fn become_user(self, identity: Identity, proc: impl AsFd) -> io::Result<()> {
        match self {
            Self::OfRoot => privileges::become_user(identity),
            Self::OfUser => user_namespace::become_user(identity, proc.as_fd()),
        }
    }
}

/// Opens a /proc for [`Walls::become_user`].
pub(crate) fn open_proc() -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open("/proc", flags, Mode::empty())?)
}
