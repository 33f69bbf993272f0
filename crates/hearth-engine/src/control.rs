//! The control socket of an environment: frames out, messages in.

use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use hearth_runtime::frames::{Frame, FrameBuffer, FrameError, Message, MessageError};
use hearth_sandbox::LaunchFailure;
use rustix::buffer::spare_capacity;
use rustix::net::SendFlags;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::{Receiver, Sender};

use crate::attendant;

/// Why nothing more comes over a control socket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    /// The other end closed it: the process has ended, or is about to.
    #[error("the runtime closed its control socket")]
    Closed,
    /// What came is not the protocol.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A frame that no bootstrap sends.
    #[error(transparent)]
    Message(#[from] MessageError),
}

/// The server's end. Sending queues; the queue is written whenever the socket takes it.
///
/// Like one end of a pipe it is watched for what comes in alone, and like the other end for room while something waits
/// for it. A socket that is watched for both tells whenever its other end has read, and would wake a thread for nothing
/// in each invocation.
#[derive(Debug)]
pub(crate) struct Control {
    socket: Receiver,
    /// The same, while something waits for room.
    room: Option<Sender>,
    incoming: FrameBuffer,
    outgoing: BytesMut,
}

impl Control {
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        Ok(Self {
            socket: Receiver::from_owned_fd_unchecked(socket)?,
            room: None,
            incoming: FrameBuffer::new(),
            outgoing: BytesMut::new(),
        })
    }

    /// Keeps the socket open when this goes away.
    pub(crate) fn hold(&self) -> io::Result<OwnedFd> {
        self.socket.as_fd().try_clone_to_owned()
    }

    /// Queues a frame.
    pub(crate) fn queue(&mut self, frame: &Frame) {
        frame.put(&mut self.outgoing);
    }

    /// Queues bytes that are not a frame: the environment block of a deferred start.
    pub(crate) fn queue_raw(&mut self, bytes: &[u8]) {
        self.outgoing.extend_from_slice(bytes);
    }

    /// The next message; writes what is queued meanwhile. Cancelling loses nothing.
    pub(crate) async fn receive(&mut self) -> Result<Message, ControlError> {
        poll_fn(|context| {
            self.write_queued(context).map_err(|_| ControlError::Closed)?;
            loop {
                if let Some(frame) = self.incoming.next_frame()? {
                    return Poll::Ready(Ok(Message::decode(frame)?));
                }
                let read = pin!(self.socket.read_buf(self.incoming.space()));
                match ready!(read.poll(context)) {
                    Ok(0) | Err(_) => return Poll::Ready(Err(ControlError::Closed)),
                    Ok(_) => {}
                }
            }
        })
        .await
    }

    /// Waits for the socket of the environment's attendant, and the pipe that extensions print to.
    pub(crate) async fn attendant(&mut self) -> io::Result<(OwnedFd, OwnedFd)> {
        self.read(|socket| attendant::receive(socket)).await
    }

    /// Waits for the end of the socket, which a function's own bootstrap closes when it is executed. What comes before
    /// tells why it is not.
    pub(crate) async fn launched(&mut self) -> io::Result<Option<LaunchFailure>> {
        let mut record = Vec::with_capacity(2 * LaunchFailure::SIZE);
        while record.len() <= LaunchFailure::SIZE {
            let read = |socket: &Receiver| Ok(rustix::io::read(socket, spare_capacity(&mut record))?);
            match self.read(read).await {
                Ok(0) => break,
                Ok(_) => {}
                // It has ended before it read everything.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break,
                Err(error) => return Err(error),
            }
        }
        Ok(LaunchFailure::decode(&record))
    }

    /// Reads when there is something to read; writes what is queued meanwhile. Cancelling loses nothing.
    async fn read<T>(&mut self, mut read: impl FnMut(&Receiver) -> io::Result<T>) -> io::Result<T> {
        poll_fn(|context| {
            self.write_queued(context)?;
            loop {
                ready!(self.socket.poll_read_ready(context))?;
                match self.socket.try_io(|| read(&self.socket)) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    result => return Poll::Ready(result),
                }
            }
        })
        .await
    }

    /// Writes as much as the socket takes, and has the task woken when it takes more.
    fn write_queued(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            let send = || {
                Ok(rustix::net::send(
                    &self.socket,
                    &self.outgoing,
                    SendFlags::NOSIGNAL,
                )?)
            };
            let sent = match &self.room {
                None => send(),
                Some(room) if room.poll_write_ready(context)?.is_pending() => return Ok(()),
                Some(room) => room.try_io(send),
            };
            match sent {
                Ok(sent) => self.outgoing.advance(sent),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.room.is_none() {
                        self.room = Some(Sender::from_owned_fd_unchecked(self.hold()?)?);
                    }
                }
                // Nobody reads any more; what the process said before it ended is still to be read.
                Err(_) => self.outgoing.clear(),
            }
        }
        self.room = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use bytes::Bytes;
    use hearth_runtime::frames::{HEADER_BYTES, Kind, MAX_PAYLOAD};
    use tokio::task::spawn_blocking;

    use super::*;

    fn pair() -> (Control, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Control::new(ours.into()).unwrap(), theirs)
    }

    fn frame(length: usize) -> Frame {
        Frame {
            kind: Kind::Chunk,
            request: 7,
            payload: Bytes::from(vec![b'x'; length]),
        }
    }

    #[tokio::test]
    async fn more_than_the_socket_takes_goes_out_while_an_answer_is_waited_for() {
        let (mut control, mut theirs) = pair();
        const FRAMES: usize = 40;
        for _ in 0..FRAMES {
            control.queue(&frame(MAX_PAYLOAD));
        }
        let peer = spawn_blocking(move || {
            let mut all = vec![0; FRAMES * (HEADER_BYTES + MAX_PAYLOAD)];
            theirs.read_exact(&mut all).unwrap();
            let mut answer = BytesMut::new();
            frame(MAX_PAYLOAD).put(&mut answer);
            theirs.write_all(&answer).unwrap();
            theirs
        });
        let answer = control.receive().await.unwrap();
        assert!(matches!(answer, Message::Chunk { request: 7, body } if body.len() == MAX_PAYLOAD));
        assert!(control.outgoing.is_empty() && control.room.is_none());
        drop(peer.await.unwrap());
        assert!(matches!(control.receive().await, Err(ControlError::Closed)));
    }

    #[tokio::test]
    async fn what_was_said_before_the_end_is_still_heard() {
        let (mut control, mut theirs) = pair();
        let mut last = BytesMut::new();
        frame(3).put(&mut last);
        theirs.write_all(&last).unwrap();
        drop(theirs);
        control.queue(&frame(5));
        assert!(matches!(control.receive().await.unwrap(), Message::Chunk { .. }));
        assert!(matches!(control.receive().await, Err(ControlError::Closed)));
    }
}
