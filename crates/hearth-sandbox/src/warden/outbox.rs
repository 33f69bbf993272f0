//! Answers on their way to the server.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

use crate::protocol::{Answer, BOOTED_DESCRIPTORS};

/// Answers the server has not taken yet, oldest first. While there are any, the warden takes no requests, so
/// there are never many more than environments.
#[derive(Default)]
pub(super) struct Outbox(VecDeque<(Answer, Vec<OwnedFd>)>);

impl Outbox {
    /// Adds an answer.
    pub(super) fn put(&mut self, answer: Answer) {
        self.put_with(answer, Vec::new());
    }

    /// Adds an answer that descriptors go with.
    pub(super) fn put_with(&mut self, answer: Answer, descriptors: Vec<OwnedFd>) {
        self.0.push_back((answer, descriptors));
    }

    /// Nothing waits to be sent.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends as much as the server takes. Fails when it is gone.
    pub(super) fn flush(&mut self, server: impl AsFd) -> io::Result<()> {
        while let Some((answer, descriptors)) = self.0.front() {
            match send(server.as_fd(), answer, descriptors) {
                Err(Errno::AGAIN) => return Ok(()),
                other => other?,
            }
            self.0.pop_front();
        }
        Ok(())
    }

    /// Drops what nobody will take any more.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

fn send(server: BorrowedFd<'_>, answer: &Answer, descriptors: &[OwnedFd]) -> rustix::io::Result<()> {
    let descriptors: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BOOTED_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    }
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    rustix::net::sendmsg(server, &[IoSlice::new(&answer.encode())], &mut ancillary, flags)?;
    Ok(())
}
