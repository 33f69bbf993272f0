//! Showing one user's files as another's.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::thread;

use rustix::process::Signal;

use crate::isolation::privileges::{self, Identity};
use crate::sys::{self, Alone, Forked};

/// A user namespace that translates a file owner into root, for mounts.
///
/// Code packages belong to the server, but Lambda's functions see theirs as root's.
pub(crate) fn as_root(alone: &Alone, owner: Identity) -> io::Result<OwnedFd> {
    translate(alone, owner, Identity { uid: 0, gid: 0 })
}

/// A user namespace that translates a file owner into another, for mounts.
pub(crate) fn translate(alone: &Alone, from: Identity, to: Identity) -> io::Result<OwnedFd> {
    match sys::fork(alone, libc::CLONE_NEWUSER, None)? {
        Forked::Child => {
            // Without a parent there is nobody to wait for.
            if privileges::die_with_parent().is_err() {
                sys::exit(1);
            }
            loop {
                thread::park();
            }
        }
        Forked::Parent(pid, pidfd) => {
            let directory = format!("/proc/{}", pid.as_raw_nonzero());
            let namespace = fs::write(
                format!("{directory}/uid_map"),
                format!("{} {} 1", from.uid, to.uid),
            )
            .and_then(|()| {
                fs::write(
                    format!("{directory}/gid_map"),
                    format!("{} {} 1", from.gid, to.gid),
                )
            })
            .and_then(|()| fs::File::open(format!("{directory}/ns/user")));
            rustix::process::pidfd_send_signal(&pidfd, Signal::KILL)?;
            sys::wait(Some(pid), true)?;
            Ok(namespace?.into())
        }
    }
}
