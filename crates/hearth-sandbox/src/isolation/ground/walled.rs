//! Environments behind walls, made by a warden that is behind walls itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use hearth_types::{CodeHash, EnvironmentId, Places};
use rustix::process::Signal;

use super::{Created, Furniture, Ground, New};
use crate::folders::Show;
use crate::isolation::child::{self, NAMESPACES, Plan};
use crate::isolation::network::Networks;
use crate::isolation::privileges::{self, Identity};
use crate::isolation::program::Begin;
use crate::isolation::root::{self, Stage};
use crate::isolation::seccomp::Filter;
use crate::isolation::tier::{Walls, open_proc};
use crate::isolation::world::{self, Shown};
use crate::launcher::WardenManifest;
use crate::sys::{self, Alone, Forked};
use crate::{FolderIndex, Reach, RuntimeIndex};

/// The warden's world.
pub(crate) struct Walled {
    walls: Walls,
    /// Its /proc.
    proc: OwnedFd,
    networks: Networks,
    filter: Filter,
    /// Shows the server's files as root's, where the kernel allows such a thing.
    owners: Option<OwnedFd>,
    /// Whose files the folders hold that are shown.
    folders: BTreeMap<FolderIndex, Identity>,
    /// Its mount namespace.
    home: OwnedFd,
    /// What the environments of each runtime start from.
    stages: Vec<Stage>,
    /// What those without one start from.
    bare: Stage,
    /// The user of every environment's init.
    keeper: Identity,
}

impl Walled {
    /// Locks this process in and makes everything that environments share.
    pub(crate) fn enter(walls: Walls, alone: &Alone, manifest: &WardenManifest) -> io::Result<Self> {
        let owners = walls.owners(alone, manifest.code_owner).and_then(|owners| {
            owners
                .inspect_err(|error| eprintln!("hearth warden: functions see who owns their code: {error}"))
                .ok()
        });
        let runtimes = manifest.runtimes.iter();
        let shown: Vec<Shown<'_>> = runtimes
            .map(|runtime| Shown {
                prefix: &runtime.prefix.0,
                bootstrap: &runtime.bootstrap,
            })
            .collect();
        world::enter(&manifest.base, &shown, &manifest.code.0)?;
        let networks = Networks::leave_host()?;
        privileges::seal()?;
        privileges::keep_wardens(walls.capabilities())?;
        let first = manifest.environments.first;
        let (home, proc) = (OwnedFd::from(File::open("/proc/self/ns/mnt")?), open_proc()?);
        let stage = |runtime| Stage::build(home.as_fd(), proc.as_fd(), runtime);
        let stages = (0..shown.len()).map(|runtime| stage(Some(runtime)));
        Ok(Self {
            walls,
            stages: stages.collect::<io::Result<_>>()?,
            bare: stage(None)?,
            proc,
            networks,
            filter: walls.filter()?,
            owners,
            folders: BTreeMap::new(),
            home,
            keeper: Identity {
                uid: first,
                gid: first,
            },
        })
    }
}

impl Walled {
    fn stage(&self, runtime: RuntimeIndex) -> Option<BorrowedFd<'_>> {
        let stage = match runtime.in_table() {
            Some(place) => self.stages.get(place)?,
            None => &self.bare,
        };
        Some(stage.as_fd())
    }
}

impl Ground for Walled {
    fn places(&self, _: EnvironmentId) -> Places {
        Places::WALLED
    }

    fn create(&mut self, alone: &Alone, new: &New<'_>) -> io::Result<Created> {
        let network = self.networks.take();
        world::write_identity(new.user.uid)?;
        let plan = Plan {
            walls: self.walls,
            proc: self.proc.as_fd(),
            bound: new.bound,
            network: network.as_ref().map(AsFd::as_fd),
            interception: self.networks.interception,
            stage: self.stage(new.runtime).ok_or(io::ErrorKind::NotFound)?,
            user: new.user,
            keeper: self.keeper,
            identity: &world::identity(new.user.uid),
            filter: &self.filter,
            begin: Begin {
                alone,
                program: new.program,
                places: &Places::WALLED,
                control: new.control,
                output: new.output,
                status: new.status,
            },
        };
        let entry = new.bound.entry()?;
        match sys::fork(alone, NAMESPACES, entry.as_ref().map(AsFd::as_fd))? {
            Forked::Child => child::run(&plan),
            Forked::Parent(pid, process) => {
                let (listener, steering) = network.map_or((None, None), |network| {
                    (Some(network.parts.sockets.into()), network.parts.steering)
                });
                Ok(Created {
                    pid,
                    process,
                    listener,
                    steering,
                })
            }
        }
    }

    fn reach(&self, steered: bool) -> Reach {
        match steered {
            true => Reach::Everything,
            false => Reach::Hearth,
        }
    }

    fn open_code(&mut self, code: &CodeHash) -> io::Result<OwnedFd> {
        root::open_code(code, self.owners.as_ref().map(AsFd::as_fd))
    }

    /// In the view what belongs to the folder's owner belongs to `user`, so that an environment can read what its owner
    /// can.
    fn open_folder(&self, alone: &Alone, folder: FolderIndex, user: Identity) -> io::Result<OwnedFd> {
        let owner = self.folders.get(&folder).ok_or(io::ErrorKind::NotFound)?;
        let owners = self.walls.shares(alone, *owner, user)?;
        root::open_folder(&world::folder(folder.0), owners.as_ref().map(AsFd::as_fd))
    }

    fn show_folder(&mut self, alone: &Alone, Show { folder, owner }: Show, view: OwnedFd) -> io::Result<()> {
        world::show_folder(folder.0, &view, self.folders.contains_key(&folder))?;
        // So that a file system that cannot do this says so now rather than at every claim.
        self.folders.insert(folder, owner);
        self.open_folder(alone, folder, self.keeper).map(drop)
    }

    fn furnish(
        &self,
        _: EnvironmentId,
        process: BorrowedFd<'_>,
        &Furniture {
            code,
            layers,
            ephemeral_mb,
        }: &Furniture<'_>,
    ) -> io::Result<()> {
        root::furnish(process, self.home.as_fd(), code, layers, ephemeral_mb)
    }

    fn socket(&self, process: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        self.networks.socket(process)
    }

    /// The kernel kills the others with the first process.
    fn end(&self, process: BorrowedFd<'_>, _: BorrowedFd<'_>) {
        let _ = rustix::process::pidfd_send_signal(process, Signal::KILL);
    }

    fn clear(&mut self, _: EnvironmentId, user: Identity) -> io::Result<bool> {
        // It is missing where making the environment failed early.
        let _ = world::remove_identity(user.uid);
        Ok(true)
    }

    fn is_short(&self) -> bool {
        self.networks.is_short()
    }

    fn prepare(&mut self) {
        self.networks.prepare();
    }
}
