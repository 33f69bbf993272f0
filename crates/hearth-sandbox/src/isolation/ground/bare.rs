//! Environments without walls: ordinary processes of the user who starts Hearth, for machines that allow nothing else.
//! No call is made here that takes a right or a kernel feature of the other tiers.
//!
//! What an environment sees at `/var/task` and its like elsewhere, it finds below a private directory, mostly as links:
//!
//! ```text
//! <scratch>/runtimes/<n>     the bootstrap of a runtime
//! <scratch>/e<id>/tmp
//! <scratch>/e<id>/opt        -> its layers
//! <scratch>/e<id>/var/task   -> its code
//! <scratch>/e<id>/var/lang   -> its interpreter's prefix
//! <scratch>/e<id>/var/runtime -> ../../runtimes/<n>
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use hearth_types::{CodeHash, EnvironmentId, Places};
use rustix::fs::{Mode, OFlags};
use rustix::net::Shutdown;
use rustix::process::{Pid, Signal};

use super::keeper::{self, Plan};
use super::{Created, Furniture, Ground, New, descendants, scratch};
use crate::client::places;
use crate::folders::Show;
use crate::isolation::network;
use crate::isolation::privileges::{self, Identity};
use crate::isolation::program::Begin;
use crate::launcher::WardenManifest;
use crate::sys::{self, Alone, Forked};
use crate::{FolderIndex, Reach};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 256;
/// How a directory is opened to be named.
const NAMED: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The host.
pub(crate) struct Bare {
    /// Where everything of environments is.
    scratch: PathBuf,
    /// Unpacked code packages.
    code: OwnedFd,
    /// The prefixes of runtimes.
    prefixes: Vec<PathBuf>,
    /// Packages that cannot be written to any more, and their directories' inodes: one may be removed and come again.
    sealed: BTreeMap<CodeHash, u64>,
    folders: BTreeMap<FolderIndex, OwnedFd>,
    /// The first processes of environments. Other children of this process are what one that was killed has left.
    keepers: BTreeMap<EnvironmentId, Pid>,
}

impl Bare {
    /// Writes down what environments share.
    pub(crate) fn enter(manifest: &WardenManifest) -> io::Result<Self> {
        privileges::adopt_orphans()?;
        privileges::gain_nothing()?;
        let scratch = PathBuf::from(manifest.scratch.as_ref().ok_or(io::ErrorKind::InvalidInput)?);
        // So that it is nobody else's, however it was made.
        fs::set_permissions(&scratch, fs::Permissions::from_mode(0o700))?;
        for (number, runtime) in manifest.runtimes.iter().enumerate() {
            let place = bootstrap(&scratch, number);
            fs::create_dir_all(&place)?;
            for (name, content) in &runtime.bootstrap {
                fs::write(place.join(name), content)?;
            }
        }
        let prefixes = manifest.runtimes.iter();
        Ok(Self {
            scratch,
            code: manifest.code.0.try_clone()?,
            prefixes: prefixes
                .map(|runtime| path_of(&runtime.prefix.0))
                .collect::<io::Result<_>>()?,
            sealed: BTreeMap::new(),
            folders: BTreeMap::new(),
            keepers: BTreeMap::new(),
        })
    }

    /// Makes the private directory of an environment that has no code yet.
    fn make_places(&self, places: &Places, runtime: Option<usize>) -> io::Result<()> {
        fs::create_dir(places.root())?;
        for name in ["/tmp", "/var"] {
            fs::create_dir(places.of(name))?;
        }
        if let Some(number) = runtime {
            let prefix = self.prefixes.get(number).ok_or(io::ErrorKind::NotFound)?;
            symlink(prefix, places.of("/var/lang"))?;
            symlink(bootstrap(&self.scratch, number), places.runtime())?;
        }
        Ok(())
    }

    /// Ends what has lost its keeper. Says whether something is left. A look at memory that is under way is ended too,
    /// and is taken again.
    fn bury_orphans(&self) -> bool {
        let is_keeper = |pid: &u32| self.keepers.values().any(|keeper| number(*keeper) == *pid);
        let orphans: Vec<u32> = descendants::children(std::process::id())
            .into_iter()
            .filter(|pid| !is_keeper(pid))
            .collect();
        for orphan in &orphans {
            descendants::kill(*orphan);
            if let Some(pid) = Pid::from_raw(*orphan as i32) {
                // It is waited for again if it takes its time.
                let _ = sys::wait(Some(pid), false);
            }
        }
        !orphans.is_empty()
    }
}

impl Ground for Bare {
    fn places(&self, id: EnvironmentId) -> Places {
        places(Some(&self.scratch), id)
    }

    fn create(&mut self, alone: &Alone, new: &New<'_>) -> io::Result<Created> {
        let places = self.places(new.id);
        self.make_places(&places, new.runtime.in_table())?;
        let listener = vec![listen()?, listen()?];
        let plan = Plan {
            begin: Begin {
                alone,
                program: new.program,
                places: &places,
                control: new.control,
                output: new.output,
                status: new.status,
            },
        };
        match sys::fork(alone, 0, None)? {
            Forked::Child => keeper::run(&plan),
            Forked::Parent(pid, process) => {
                self.keepers.insert(new.id, pid);
                Ok(Created {
                    pid,
                    process,
                    listener: Some(listener),
                    steering: None,
                })
            }
        }
    }

    fn reach(&self, _: bool) -> Reach {
        Reach::Host
    }

    fn open_code(&mut self, code: &CodeHash) -> io::Result<OwnedFd> {
        let flags = NAMED | OFlags::NOFOLLOW;
        let package = rustix::fs::openat(&self.code, code.to_string(), flags, Mode::empty())?;
        let inode = rustix::fs::fstat(&package)?.st_ino;
        if self.sealed.get(code) != Some(&inode) {
            scratch::seal(&path_of(&package)?)?;
            self.sealed.insert(*code, inode);
        }
        Ok(package)
    }

    fn open_folder(&self, _: &Alone, folder: FolderIndex, _: Identity) -> io::Result<OwnedFd> {
        self.folders
            .get(&folder)
            .ok_or(io::ErrorKind::NotFound)?
            .try_clone()
    }

    fn show_folder(&mut self, _: &Alone, show: Show, view: OwnedFd) -> io::Result<()> {
        self.folders.insert(show.folder, view);
        Ok(())
    }

    fn furnish(&self, id: EnvironmentId, _: BorrowedFd<'_>, furniture: &Furniture<'_>) -> io::Result<()> {
        let places = self.places(id);
        match furniture.layers {
            Some(layers) => symlink(path_of(layers)?, places.layers())?,
            None => fs::create_dir(places.layers())?,
        }
        symlink(path_of(furniture.code)?, places.task())
    }

    fn socket(&self, _: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        network::stream()
    }

    /// The first process ends the others, and itself, when its socket is closed. It could have been stopped.
    fn end(&self, process: BorrowedFd<'_>, status: BorrowedFd<'_>) {
        let _ = rustix::net::shutdown(status, Shutdown::Write);
        let _ = rustix::process::pidfd_send_signal(process, Signal::CONT);
    }

    fn clear(&mut self, id: EnvironmentId, _: Identity) -> io::Result<bool> {
        self.keepers.remove(&id);
        let places = self.places(id);
        let directory = Path::new(places.root());
        // A keeper that came to its own end has left nothing.
        if directory.exists() {
            if self.bury_orphans() {
                return Ok(false);
            }
            scratch::remove(directory)?;
        }
        Ok(true)
    }
}

/// Where the bootstrap of a runtime is.
fn bootstrap(scratch: &Path, runtime: usize) -> PathBuf {
    scratch.join(format!("runtimes/{runtime}"))
}

/// The present path of a directory.
fn path_of(directory: &OwnedFd) -> io::Result<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{}", directory.as_raw_fd()))
}

/// Listens on loopback, on a port of the kernel's choice.
fn listen() -> io::Result<OwnedFd> {
    let socket = network::stream()?;
    rustix::net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

fn number(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get() as u32
}
