//! What the warden makes environments on: a world of its own with walls, or the host as it is.

mod bare;
mod descendants;
mod keeper;
mod scratch;
mod walled;

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use hearth_types::{CodeHash, EnvironmentId, Places};
use rustix::process::Pid;

use super::bounds::Bound;
use super::privileges::Identity;
use super::program::Program;
use crate::folders::Show;
use crate::sys::Alone;
use crate::{FolderIndex, Reach, RuntimeIndex};

pub(crate) use bare::Bare;
pub(crate) use descendants::below;
pub(crate) use scratch::await_keepers;
pub(crate) use walled::Walled;

/// Makes environments.
pub(crate) trait Ground {
    /// Where an environment finds its files.
    fn places(&self, id: EnvironmentId) -> Places;

    /// Creates the first process of an environment. What it does from then on is its own.
    fn create(&mut self, alone: &Alone, new: &New<'_>) -> io::Result<Created>;

    /// Which connections the server hears, if they can be steered to it or not.
    fn reach(&self, steered: bool) -> Reach;

    /// Opens an unpacked code package, or layers.
    fn open_code(&mut self, code: &CodeHash) -> io::Result<OwnedFd>;

    /// Opens a folder of the user's for an environment's user.
    fn open_folder(&self, alone: &Alone, folder: FolderIndex, user: Identity) -> io::Result<OwnedFd>;

    /// Takes a folder that the launcher shows.
    fn show_folder(&mut self, alone: &Alone, show: Show, view: OwnedFd) -> io::Result<()>;

    /// Gives a running environment its code, its layers and its /tmp.
    fn furnish(
        &self,
        id: EnvironmentId,
        process: BorrowedFd<'_>,
        furniture: &Furniture<'_>,
    ) -> io::Result<()>;

    /// A TCP socket in the network of an environment, neither bound nor connected and non-blocking.
    fn socket(&self, process: BorrowedFd<'_>) -> io::Result<OwnedFd>;

    /// Has an environment end, by its first process or where that reports. One that has ended already is about to be
    /// reaped.
    fn end(&self, process: BorrowedFd<'_>, status: BorrowedFd<'_>);

    /// Removes what an environment whose first process has ended leaves. `Ok(false)` if something is still in use: try
    /// again.
    fn clear(&mut self, id: EnvironmentId, user: Identity) -> io::Result<bool>;

    /// Whether [`Self::prepare`] has something to do.
    fn is_short(&self) -> bool {
        false
    }

    /// Makes something ahead.
    fn prepare(&mut self) {}
}

/// An environment that is to be created.
pub(crate) struct New<'a> {
    pub(crate) id: EnvironmentId,
    pub(crate) bound: &'a dyn Bound,
    pub(crate) user: Identity,
    pub(crate) runtime: RuntimeIndex,
    pub(crate) program: &'a Program,
    /// The environment's ends.
    pub(crate) control: BorrowedFd<'a>,
    pub(crate) output: BorrowedFd<'a>,
    pub(crate) status: BorrowedFd<'a>,
}

/// A first process that was just created.
pub(crate) struct Created {
    pub(crate) pid: Pid,
    pub(crate) process: OwnedFd,
    /// The sockets of [`crate::Listener`] in order, unless it makes them itself.
    pub(crate) listener: Option<Vec<OwnedFd>>,
    /// Hands its connections to the server for as long as it is open.
    pub(crate) steering: Option<OwnedFd>,
}

/// What a claim gives an environment.
pub(crate) struct Furniture<'a> {
    pub(crate) code: &'a OwnedFd,
    pub(crate) layers: Option<&'a OwnedFd>,
    /// Size of /tmp, in MB.
    pub(crate) ephemeral_mb: u32,
}
