//! Folders of the user's that functions see as they are, in `hearth dev`: a saved file is there at once.
//!
//! Only the launcher has the user's rights, so it is the broker. The server asks it for a folder by its path; the
//! broker looks whether it lies below a root that was allowed at the start, hands the warden a read-only view of it,
//! and answers with a number. With that number, as with the hash of a package, the server claims environments. The
//! broker also watches the folders and tells the server what has changed.
//!
//! Without roots there is no broker, and no number means a folder: so it is in `hearth serve`.

mod broker;
mod client;
mod data;
mod records;
mod watch;

use std::path::PathBuf;

use rustix::net::{AddressFamily, SocketFlags, SocketType};

pub(crate) use broker::Broker;
pub use client::{FolderClient, FolderError, Opened};
pub use data::{is_data_directory, is_in_data_directory};
pub(crate) use records::{LONGEST_PATH, Show, receive_show, send_show};

/// A folder's place in the warden's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FolderIndex(pub u32);

/// Which folders may be shown.
#[derive(Clone, Debug, Default)]
pub struct FolderRules {
    /// Folders that may be shown, and what is below them.
    pub roots: Vec<PathBuf>,
    /// The data directory: neither it nor what is in it is shown, and what changes in it is no change of a folder that
    /// holds it.
    pub data: PathBuf,
    /// Whether the data directory keeps itself from functions that are shown a folder that holds it, since it belongs
    /// to another user than they do. Otherwise such a folder is not shown.
    pub data_is_guarded: bool,
}

/// Both ends of a socket whose packets are whole records.
pub(crate) fn pair() -> std::io::Result<(std::os::fd::OwnedFd, std::os::fd::OwnedFd)> {
    let flags = SocketFlags::CLOEXEC;
    Ok(rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        flags,
        None,
    )?)
}
