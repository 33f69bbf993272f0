//! User namespaces: in one of its own an ordinary user has root's rights over what belongs to it, and over
//! nothing else.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use rustix::thread::UnshareFlags;

use super::mounts::{self, SEALED};
use super::privileges::{self, Identity};
use super::tier::open_proc;
use crate::sys::{self, Alone, Forked};

/// Moves the process into a user namespace in which it is root, and into a mount namespace that belongs to it.
/// All other users, and all groups but its own, do not exist in there.
pub(crate) fn enter(_: &Alone) -> io::Result<()> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    sys::unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS)?;
    write(CWD, "/proc/self/setgroups", "deny")?;
    write(
        CWD,
        "/proc/self/uid_map",
        &format!("0 {uid} 1", uid = uid.as_raw()),
    )?;
    write(
        CWD,
        "/proc/self/gid_map",
        &format!("0 {gid} 1", gid = gid.as_raw()),
    )
}

/// Moves the process from such a namespace into one below it, in which it has these numbers and no capability.
/// It dies with its parent.
///
/// Outside it is the same user as before. `proc` is a writable /proc that shows this process.
pub(crate) fn become_user(Identity { uid, gid }: Identity, proc: BorrowedFd<'_>) -> io::Result<()> {
    sys::unshare(UnshareFlags::NEWUSER)?;
    write(proc, "self/uid_map", &format!("{uid} 0 1"))?;
    write(proc, "self/gid_map", &format!("{gid} 0 1"))?;
    // A new user namespace comes with every capability, and with nothing sealed.
    privileges::seal()?;
    privileges::keep_none()?;
    privileges::die_with_parent()
}

/// What an ordinary user is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Denied {
    pub(crate) part: Part,
    pub(crate) errno: Errno,
}

/// A user that is tried; any but root will do.
const SOMEBODY: Identity = Identity { uid: 1, gid: 1 };

/// The parts of [`probe`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Part {
    Create,
    Root,
    Mount,
    Processes,
    Nested,
}

impl Part {
    const ALL: [Self; 5] = [
        Self::Create,
        Self::Root,
        Self::Mount,
        Self::Processes,
        Self::Nested,
    ];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "cannot be made",
            Self::Root => "give no rights",
            Self::Mount => "do not let mount",
            Self::Processes => "do not let show processes",
            Self::Nested => "cannot be made below one",
        })
    }
}

/// Tries, in processes of its own, what the tier does. `Ok(None)` if all of it works.
pub(crate) fn probe(alone: &Alone) -> io::Result<Option<Denied>> {
    let (report, reporting) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    match sys::fork(alone, 0, None)? {
        Forked::Child => {
            if let Err(Denied { part, errno }) = attempt(alone, &reporting) {
                // Nobody listens if the other end is gone.
                let _ = rustix::io::write(&reporting, &record(part, errno));
            }
            sys::exit(0)
        }
        Forked::Parent(pid, _) => {
            drop(reporting);
            sys::wait(Some(pid), true)?;
            let mut found = [0; 5];
            let length = rustix::io::read(&report, &mut found)?;
            Ok((length == found.len()).then(|| Denied {
                part: Part::ALL[usize::from(found[0]).min(Part::ALL.len() - 1)],
                errno: Errno::from_raw_os_error(i32::from_le_bytes([found[1], found[2], found[3], found[4]])),
            }))
        }
    }
}

fn record(part: Part, errno: Errno) -> [u8; 5] {
    let [a, b, c, d] = errno.raw_os_error().to_le_bytes();
    [part as u8, a, b, c, d]
}

fn attempt(alone: &Alone, reporting: impl AsFd) -> Result<(), Denied> {
    // As the launcher, which stays where it is root already.
    if !privileges::missing().is_empty() {
        enter(alone).map_err(at(Part::Create))?;
    }
    let others = UnshareFlags::NEWNET | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS | UnshareFlags::NEWCGROUP;
    sys::unshare(others).map_err(at(Part::Root))?;
    mounts::create("tmpfs", &[("mode", "755")], SEALED).map_err(at(Part::Mount))?;
    let child = sys::fork(alone, libc::CLONE_NEWPID, None).map_err(at(Part::Processes))?;
    match child {
        Forked::Child => {
            if let Err(Denied { part, errno }) = attempt_below() {
                let _ = rustix::io::write(reporting, &record(part, errno));
            }
            sys::exit(0)
        }
        Forked::Parent(pid, _) => sys::wait(Some(pid), true).map(drop).map_err(at(Part::Processes)),
    }
}

/// What is done in a process namespace of its own.
fn attempt_below() -> Result<(), Denied> {
    mounts::create("proc", &[], SEALED).map_err(at(Part::Processes))?;
    // The machine's, which is the one that warden and server have.
    let proc = open_proc().map_err(at(Part::Processes))?;
    become_user(SOMEBODY, proc.as_fd()).map_err(at(Part::Nested))
}

fn at(part: Part) -> impl Fn(io::Error) -> Denied {
    move |error| Denied {
        part,
        errno: Errno::from_io_error(&error).unwrap_or(Errno::IO),
    }
}

fn write(directory: impl AsFd, path: &str, text: &str) -> io::Result<()> {
    let file = rustix::fs::openat(directory, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(file, text.as_bytes())?;
    Ok(())
}
