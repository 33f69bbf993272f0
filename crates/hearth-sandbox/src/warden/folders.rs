//! Folders that the launcher shows while the warden works.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::SendFlags;

use super::{Warden, complain};
use crate::FolderIndex;
use crate::folders::{Show, receive_show};
use crate::isolation::privileges::Identity;
use crate::isolation::{root, world};

/// The folders, and where they come from.
pub(super) struct Folders {
    /// The socket to the launcher; none where no folder may be shown.
    launcher: Option<OwnedFd>,
    /// Whose files they hold.
    shown: BTreeMap<FolderIndex, Identity>,
}

impl From<Option<OwnedFd>> for Folders {
    fn from(launcher: Option<OwnedFd>) -> Self {
        Self {
            launcher,
            shown: BTreeMap::new(),
        }
    }
}

impl Warden {
    /// Takes what the launcher shows. When it is gone, what was shown stays.
    pub(super) fn take_folder(&mut self) {
        let Some(launcher) = &self.folders.launcher else {
            return;
        };
        let Ok((show, view)) = receive_show(launcher) else {
            self.events.remove_launcher(launcher);
            self.folders.launcher = None;
            return;
        };
        let error = match self.show_folder(show, &view) {
            Ok(()) => 0,
            Err(error) => error.raw_os_error().unwrap_or(libc::EIO),
        };
        if let Some(launcher) = &self.folders.launcher {
            // If it is gone, nobody waits for it.
            let _ = rustix::net::send(launcher, &error.to_le_bytes(), SendFlags::NOSIGNAL);
        }
    }

    fn show_folder(&mut self, Show { folder, owner }: Show, view: &OwnedFd) -> io::Result<()> {
        world::show_folder(folder.0, view, self.folders.shown.contains_key(&folder))?;
        // So that a file system that cannot do this says so now rather than at every claim.
        self.folders.shown.insert(folder, owner);
        let tried = self.open_folder(folder, self.keeper);
        if let Err(error) = &tried {
            complain(&format_args!("folder {} cannot be shown: {error}", folder.0));
        }
        tried.map(drop)
    }

    /// A view of a folder in which what belongs to its owner belongs to `user`, so that an environment can read what
    /// its owner can.
    pub(super) fn open_folder(&self, folder: FolderIndex, user: Identity) -> io::Result<OwnedFd> {
        let owner = self.folders.shown.get(&folder).ok_or(io::ErrorKind::NotFound)?;
        let owners = self.tier.shares(&self.alone, *owner, user)?;
        root::open_folder(&world::folder(folder.0), owners.as_ref().map(AsFd::as_fd))
    }
}
