//! Folders that the launcher shows while the warden works.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::SendFlags;

use super::{Warden, complain};
use crate::folders::{Show, receive_show};

impl Warden {
    /// Takes what the launcher shows. When it is gone, what was shown stays.
    pub(super) fn take_folder(&mut self) {
        let Some(launcher) = &self.launcher else {
            return;
        };
        let Ok((show, view)) = receive_show(launcher) else {
            self.events.remove_launcher(launcher);
            self.launcher = None;
            return;
        };
        let error = match self.show_folder(show, view) {
            Ok(()) => 0,
            Err(error) => error.raw_os_error().unwrap_or(libc::EIO),
        };
        if let Some(launcher) = &self.launcher {
            // If it is gone, nobody waits for it.
            let _ = rustix::net::send(launcher, &error.to_le_bytes(), SendFlags::NOSIGNAL);
        }
    }

    fn show_folder(&mut self, show: Show, view: OwnedFd) -> io::Result<()> {
        let folder = show.folder.0;
        let shown = self.ground.show_folder(&self.alone, show, view);
        if let Err(error) = &shown {
            complain(&format_args!("folder {folder} cannot be shown: {error}"));
        }
        shown
    }
}
