//! A look at what processes really share, by a process of its own: the kernel makes whoever looks wait for each of
//! them, and the warden waits for nobody.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::pipe::PipeFlags;
use rustix::process::{Pid, Signal};

use super::processes::{self, Processes, Use};
use crate::isolation::privileges;
use crate::sys::{self, Alone, Forked};

/// A look that is under way. Dropping it ends it.
pub(super) struct Look {
    pid: Pid,
    process: OwnedFd,
    found: OwnedFd,
}

/// Bytes of what is found.
const SIZE: usize = 16;

impl Look {
    /// Begins to look. Fails in a process with more than one thread.
    pub(super) fn begin(all: &Processes) -> io::Result<Self> {
        let alone = Alone::confirm()?;
        let (found, finding) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        match sys::fork(&alone, 0, None)? {
            Forked::Child => {
                let _ = look(all, &finding);
                sys::exit(0)
            }
            Forked::Parent(pid, process) => Ok(Self { pid, process, found }),
        }
    }

    /// What was found, or that the look is not over yet. An error if it never will be.
    pub(super) fn result(&self) -> io::Result<Option<Use>> {
        let mut record = [0; SIZE];
        match rustix::io::read(&self.found, &mut record) {
            Err(rustix::io::Errno::AGAIN) => Ok(None),
            Ok(SIZE) => {
                let [anonymous, shared] = [0, 8].map(|at| {
                    let bytes: [u8; 8] = std::array::from_fn(|byte| record[at + byte]);
                    u64::from_ne_bytes(bytes)
                });
                Ok(Some(Use { anonymous, shared }))
            }
            Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        // Waiting for another process's memory is ended by this, so it is not waited for long.
        let _ = rustix::process::pidfd_send_signal(&self.process, Signal::KILL);
        let _ = sys::wait(Some(self.pid), true);
    }
}

/// In the process that looks.
fn look(all: &Processes, finding: &OwnedFd) -> io::Result<()> {
    privileges::die_with_parent()?;
    // Nobody shall think that the warden's sockets are still open because of this.
    sys::close_from(0, &[all.proc.as_fd(), finding.as_fd()])?;
    let Use { anonymous, shared } = processes::shares(all);
    let record: Vec<u8> = [anonymous, shared]
        .into_iter()
        .flat_map(u64::to_ne_bytes)
        .collect();
    rustix::io::write(finding, &record)?;
    Ok(())
}
