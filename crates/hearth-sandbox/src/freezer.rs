//! Stopping an environment and letting it go on.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Stops an environment and lets it go on, through a descriptor the warden opened: the warden need not be asked, so it
/// takes some 20 µs however busy that is.
///
/// A frozen environment runs no instruction of its own, and nothing else changes for whoever holds it. It can be claimed
/// and killed, its memory is told, and what is sent to it waits. The signal of
/// [`Sandbox::terminate`](crate::Sandbox::terminate) waits too, for a process that handles it.
#[derive(Debug)]
pub struct Freezer(Target);

#[derive(Debug)]
enum Target {
    /// `cgroup.freeze` of the environment's control group.
    Group(File),
    StandIn(Arc<AtomicBool>),
}

impl Freezer {
    /// A freezer that writes `cgroup.freeze` of a control group.
    pub(crate) fn new(group: OwnedFd) -> Self {
        Self(Target::Group(group.into()))
    }

    /// A freezer that only notes whether its environment is frozen, for stand-ins of the sandbox.
    pub fn noting(frozen: Arc<AtomicBool>) -> Self {
        Self(Target::StandIn(frozen))
    }

    /// Stops every process of the environment, those too that are being made just now. They stop within a moment,
    /// which is not waited for. Does nothing to an environment that is frozen already.
    ///
    /// Fails when the environment has ended.
    pub fn freeze(&self) -> io::Result<()> {
        self.set(true)
    }

    /// Lets them go on, whether or not they have stopped yet. Does nothing to an environment that is not frozen.
    ///
    /// Fails when the environment has ended.
    pub fn thaw(&self) -> io::Result<()> {
        self.set(false)
    }

    fn set(&self, frozen: bool) -> io::Result<()> {
        match &self.0 {
            Target::Group(file) => file.write_all_at(if frozen { b"1" } else { b"0" }, 0),
            Target::StandIn(noted) => {
                noted.store(frozen, Ordering::SeqCst);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freezer_writes_what_the_kernel_understands() {
        let file = tempfile::tempfile().unwrap();
        let freezer = Freezer::new(file.try_clone().unwrap().into());
        let content = || {
            let mut content = [0; 2];
            let length = file.read_at(&mut content, 0).unwrap();
            content[..length].to_vec()
        };
        freezer.freeze().unwrap();
        freezer.freeze().unwrap();
        assert_eq!(content(), b"1");
        freezer.thaw().unwrap();
        assert_eq!(content(), b"0");
    }

    #[test]
    fn a_stand_in_is_told() {
        let frozen = Arc::new(AtomicBool::new(false));
        let freezer = Freezer::noting(Arc::clone(&frozen));
        freezer.freeze().unwrap();
        assert!(frozen.load(Ordering::SeqCst));
        freezer.thaw().unwrap();
        assert!(!frozen.load(Ordering::SeqCst));
    }
}
