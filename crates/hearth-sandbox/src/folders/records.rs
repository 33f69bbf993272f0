//! What server, launcher and warden say to each other about folders, one packet per record. Numbers are
//! little-endian.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

use super::FolderIndex;
use crate::Identity;

/// Longest path that is asked for, in bytes: the kernel's own limit.
pub(crate) const LONGEST_PATH: usize = 4096;
/// Longest sentence about why not.
const LONGEST_REASON: usize = 8192;
/// Longest record.
pub(super) const LONGEST: usize = 5 + LONGEST_REASON;

/// What the server asks the launcher. The tag comes back with the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// Show a folder.
    Open { tag: u32, path: String },
    /// Tell what has changed until now, and show what is in a folder's place by now.
    Settle { tag: u32, folder: FolderIndex },
}

/// What the launcher says to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tell {
    /// The folder is shown; whether it has a `lib` directory.
    Opened {
        tag: u32,
        folder: FolderIndex,
        has_lib: bool,
    },
    /// It is not, for this reason.
    Refused { tag: u32, why: String },
    /// Everything that changed before the question has been told, and the folder is shown as it is.
    Settled { tag: u32 },
    /// Something in a folder has changed.
    Changed { folder: FolderIndex },
}

impl Ask {
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Open { tag, path } => record(1, *tag, path.as_bytes()),
            Self::Settle { tag, folder } => record(2, *tag, &folder.0.to_le_bytes()),
        }
    }

    pub(super) fn decode(record: &[u8]) -> Option<Self> {
        let (kind, tag, rest) = parts(record)?;
        match (kind, rest) {
            (1, path) if path.len() <= LONGEST_PATH => Some(Self::Open {
                tag,
                path: String::from_utf8(path.to_vec()).ok()?,
            }),
            (2, [a, b, c, d]) => Some(Self::Settle {
                tag,
                folder: FolderIndex(u32::from_le_bytes([*a, *b, *c, *d])),
            }),
            _ => None,
        }
    }
}

impl Tell {
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Opened { tag, folder, has_lib } => {
                let [a, b, c, d] = folder.0.to_le_bytes();
                record(1, *tag, &[a, b, c, d, u8::from(*has_lib)])
            }
            Self::Refused { tag, why } => {
                let end = why.floor_char_boundary(LONGEST_REASON);
                record(2, *tag, &why.as_bytes()[..end])
            }
            Self::Settled { tag } => record(3, *tag, &[]),
            Self::Changed { folder } => record(4, folder.0, &[]),
        }
    }

    pub(super) fn decode(record: &[u8]) -> Option<Self> {
        let (kind, tag, rest) = parts(record)?;
        match (kind, rest) {
            (1, [a, b, c, d, has_lib @ (0 | 1)]) => Some(Self::Opened {
                tag,
                folder: FolderIndex(u32::from_le_bytes([*a, *b, *c, *d])),
                has_lib: *has_lib == 1,
            }),
            (2, why) if why.len() <= LONGEST_REASON => Some(Self::Refused {
                tag,
                why: String::from_utf8(why.to_vec()).ok()?,
            }),
            (3, []) => Some(Self::Settled { tag }),
            (4, []) => Some(Self::Changed {
                folder: FolderIndex(tag),
            }),
            _ => None,
        }
    }
}

fn record(kind: u8, number: u32, rest: &[u8]) -> Vec<u8> {
    [&[kind], &number.to_le_bytes()[..], rest].concat()
}

fn parts(record: &[u8]) -> Option<(u8, u32, &[u8])> {
    let (kind, rest) = record.split_first()?;
    let (number, rest) = rest.split_first_chunk()?;
    Some((*kind, u32::from_le_bytes(*number), rest))
}

/// What the launcher tells the warden: the folder of this number, whose files are `owner`'s. A view of it comes along.
/// The warden answers with one number, the kernel's error or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Show {
    pub(crate) folder: FolderIndex,
    pub(crate) owner: Identity,
}

const SHOW_SIZE: usize = 12;

/// Shows the warden a folder and waits for its answer.
pub(crate) fn send_show(warden: impl AsFd, show: Show, view: BorrowedFd<'_>) -> io::Result<()> {
    let numbers = [show.folder.0, show.owner.uid, show.owner.gid];
    let record: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let views = [view];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&views));
    let parts = [IoSlice::new(&record)];
    rustix::net::sendmsg(&warden, &parts, &mut ancillary, SendFlags::NOSIGNAL)?;
    let mut answer = [0; 4];
    let (_, length) = rustix::net::recv(&warden, &mut answer, RecvFlags::empty())?;
    match i32::from_le_bytes(answer) {
        _ if length != answer.len() => Err(io::ErrorKind::UnexpectedEof.into()),
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Takes what the launcher shows, without waiting. An error if it is gone, or there is nothing.
pub(crate) fn receive_show(launcher: impl AsFd) -> io::Result<(Show, OwnedFd)> {
    let mut record = [0; SHOW_SIZE];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(&mut record)];
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let received = rustix::net::recvmsg(launcher.as_fd(), &mut parts, &mut ancillary, flags)?;
    let view = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let number = |at: usize| u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]);
    match view {
        Some(view) if received.bytes == SHOW_SIZE => Ok((
            Show {
                folder: FolderIndex(number(0)),
                owner: Identity {
                    uid: number(4),
                    gid: number(8),
                },
            },
            view,
        )),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn records_round_trip(tag in any::<u32>(), number in any::<u32>(), has_lib in any::<bool>(), text in ".{0,200}") {
            let folder = FolderIndex(number);
            for ask in [Ask::Open { tag, path: text.clone() }, Ask::Settle { tag, folder }] {
                prop_assert_eq!(Ask::decode(&ask.encode()), Some(ask));
            }
            for tell in [
                Tell::Opened { tag, folder, has_lib },
                Tell::Refused { tag, why: text },
                Tell::Settled { tag },
                Tell::Changed { folder },
            ] {
                prop_assert_eq!(Tell::decode(&tell.encode()), Some(tell));
            }
        }

        #[test]
        fn what_decodes_is_exactly_a_record(record in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Some(ask) = Ask::decode(&record) {
                prop_assert_eq!(&ask.encode(), &record);
            }
            if let Some(tell) = Tell::decode(&record) {
                prop_assert_eq!(&tell.encode(), &record);
            }
        }
    }

    #[test]
    fn long_texts_are_bounded() {
        let open = Ask::Open {
            tag: 1,
            path: "x".repeat(LONGEST_PATH + 1),
        };
        assert_eq!(Ask::decode(&open.encode()), None);
        let refused = Tell::Refused {
            tag: 1,
            why: "ü".repeat(LONGEST_REASON),
        };
        assert!(refused.encode().len() <= LONGEST);
        assert!(Tell::decode(&refused.encode()).is_some());
    }
}
