//! What an environment under construction, and later its init, tell the warden.
//!
//! One record per packet. The sender is this crate's own code, but for an attacker who has broken out of the
//! interpreter into init; nothing here makes the warden do more than end the environment.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

/// A message.
#[derive(Debug)]
pub(crate) enum Status {
    /// The environment has made its own network namespace. With what the warden keeps of it.
    Network(Vec<OwnedFd>),
    /// The sandbox is complete. With `/proc/<pid>/status` of the process that becomes the interpreter, and what names it.
    Started { status: OwnedFd, process: OwnedFd },
    /// A step failed with this error number, and the environment ends.
    Failed(Step, i32),
    /// The interpreter ended with this wait status, having had so many bytes resident at most.
    Ended { status: i32, peak_bytes: u64 },
}

/// The steps of making an environment, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Step {
    Groups,
    Namespaces,
    Root,
    Resources,
    Fork,
    Descriptors,
    User,
    Landlock,
    Seccomp,
    Execute,
}

impl Step {
    const ALL: [Self; 10] = [
        Self::Groups,
        Self::Namespaces,
        Self::Root,
        Self::Resources,
        Self::Fork,
        Self::Descriptors,
        Self::User,
        Self::Landlock,
        Self::Seccomp,
        Self::Execute,
    ];
}

/// A step that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) step: Step,
    pub(crate) errno: i32,
}

/// Names the step a result belongs to.
pub(crate) trait At<T> {
    fn at(self, step: Step) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> At<T> for Result<T, E> {
    fn at(self, step: Step) -> Result<T, Failure> {
        self.map_err(|error| Failure {
            step,
            errno: error.into().raw_os_error().unwrap_or(libc::EIO),
        })
    }
}

const STARTED: u8 = 1;
const FAILED: u8 = 2;
const ENDED: u8 = 3;
const NETWORK: u8 = 4;
const SIZE: usize = 16;
/// The most descriptors that come with a message.
const DESCRIPTORS: usize = 4;

impl Status {
    /// Sends the message. Fails when the warden is gone.
    pub(crate) fn send(&self, socket: impl AsFd) -> io::Result<()> {
        let mut record = [0; SIZE];
        let (kind, step, number, bytes) = match self {
            Self::Network(_) => (NETWORK, 0, 0, 0),
            Self::Started { .. } => (STARTED, 0, 0, 0),
            Self::Failed(step, errno) => (FAILED, *step as u8, *errno, 0),
            Self::Ended { status, peak_bytes } => (ENDED, 0, *status, *peak_bytes),
        };
        record[..2].copy_from_slice(&[kind, step]);
        record[4..8].copy_from_slice(&number.to_le_bytes());
        record[8..].copy_from_slice(&bytes.to_le_bytes());
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let descriptors: Vec<BorrowedFd<'_>> = match self {
            Self::Network(parts) => parts.iter().map(AsFd::as_fd).collect(),
            Self::Started { status, process } => vec![status.as_fd(), process.as_fd()],
            _ => vec![],
        };
        if !descriptors.is_empty() {
            ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
        }
        rustix::net::sendmsg(
            socket,
            &[IoSlice::new(&record)],
            &mut ancillary,
            SendFlags::NOSIGNAL,
        )?;
        Ok(())
    }

    /// Takes the next message, if there is one. `Err` when the other side is gone or talks nonsense.
    pub(crate) fn receive(socket: impl AsFd) -> io::Result<Option<Self>> {
        let mut record = [0; SIZE];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let mut parts = [IoSliceMut::new(&mut record)];
        let length = match rustix::net::recvmsg(socket, &mut parts, &mut ancillary, flags) {
            Err(rustix::io::Errno::AGAIN) => return Ok(None),
            other => other?.bytes,
        };
        let descriptors = ancillary.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        });
        let descriptors = descriptors.flatten().collect();
        if length != SIZE {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Self::decode(&record, descriptors)
            .map(Some)
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn decode(record: &[u8; SIZE], descriptors: Vec<OwnedFd>) -> Option<Self> {
        let number = i32::from_le_bytes(record[4..8].try_into().ok()?);
        let peak_bytes = u64::from_le_bytes(record[8..].try_into().ok()?);
        match record[0] {
            NETWORK => Some(Self::Network(descriptors)),
            STARTED => {
                let [status, process] = descriptors.try_into().ok()?;
                Some(Self::Started { status, process })
            }
            FAILED => Some(Self::Failed(*Step::ALL.get(usize::from(record[1]))?, number)),
            ENDED => Some(Self::Ended {
                status: number,
                peak_bytes,
            }),
            _ => None,
        }
    }
}
