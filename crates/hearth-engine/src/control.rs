//! The control socket of an environment: frames out, messages in.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdStream;

use bytes::{Buf, BytesMut};
use hearth_runtime::frames::{Frame, FrameBuffer, FrameError, Message, MessageError};
use hearth_sandbox::LaunchFailure;
use tokio::io::Interest;
use tokio::net::UnixStream;

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
#[derive(Debug)]
pub(crate) struct Control {
    stream: UnixStream,
    incoming: FrameBuffer,
    outgoing: BytesMut,
}

impl Control {
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        let stream = StdStream::from(socket);
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream: UnixStream::from_std(stream)?,
            incoming: FrameBuffer::new(),
            outgoing: BytesMut::new(),
        })
    }

    /// Keeps the socket open when this goes away.
    pub(crate) fn hold(&self) -> io::Result<OwnedFd> {
        self.stream.as_fd().try_clone_to_owned()
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
        loop {
            self.write_queued();
            if let Some(frame) = self.incoming.next_frame()? {
                return Ok(Message::decode(frame)?);
            }
            if self.read_available()? {
                continue;
            }
            self.ready().await.map_err(|_| ControlError::Closed)?;
        }
    }

    /// Waits for the socket of the environment's attendant, and the pipe that extensions print to.
    pub(crate) async fn attendant(&mut self) -> io::Result<(OwnedFd, OwnedFd)> {
        loop {
            self.write_queued();
            let received = self
                .stream
                .try_io(Interest::READABLE, || attendant::receive(&self.stream));
            match received {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
            self.ready().await?;
        }
    }

    /// Waits until something can be read, or what is queued can be written.
    async fn ready(&self) -> io::Result<()> {
        let interest = match self.outgoing.is_empty() {
            true => Interest::READABLE,
            false => Interest::READABLE | Interest::WRITABLE,
        };
        self.stream.ready(interest).await.map(drop)
    }

    /// Waits for the end of the socket, which a function's own bootstrap closes when it is executed. What comes before
    /// tells why it is not.
    pub(crate) async fn launched(&mut self) -> io::Result<Option<LaunchFailure>> {
        let mut record = Vec::with_capacity(LaunchFailure::SIZE + 1);
        loop {
            self.write_queued();
            match self.stream.try_read_buf(&mut record) {
                Ok(0) => break,
                Ok(_) if record.len() > LaunchFailure::SIZE => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.ready().await?,
                // It has ended before it read everything.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break,
                Err(error) => return Err(error),
            }
        }
        Ok(LaunchFailure::decode(&record))
    }

    /// Whether bytes came in.
    fn read_available(&mut self) -> Result<bool, ControlError> {
        match self.stream.try_read_buf(self.incoming.space()) {
            Ok(0) => Err(ControlError::Closed),
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(_) => Err(ControlError::Closed),
        }
    }

    fn write_queued(&mut self) {
        while !self.outgoing.is_empty() {
            match self.stream.try_write(&self.outgoing) {
                Ok(written) => self.outgoing.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // Nobody reads any more; what the process said before it ended is still to be read.
                Err(_) => self.outgoing.clear(),
            }
        }
    }
}
