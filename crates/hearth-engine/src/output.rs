//! The pipe that a function's standard output and standard error share.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::SystemTime;

use hearth_runtime::{LogLevel, LogSplitter};
use rustix::io::Errno;
use tokio::net::unix::pipe;

use crate::journal::Journal;

/// Bytes read at a time: a pipe's usual capacity.
const READ: usize = 64 * 1024;
/// What is still read when an invocation has ended: twice what a pipe holds unless its function enlarged it. A
/// thread that prints without end must not hold the invocation up.
const DRAIN: usize = 2 * READ;

/// The read end, and the line that is not complete yet.
#[derive(Debug)]
pub(crate) struct Output {
    pipe: pipe::Receiver,
    splitter: LogSplitter,
    open: bool,
}

impl Output {
    pub(crate) fn new(pipe: OwnedFd) -> io::Result<Self> {
        let pipe = pipe::Receiver::from_owned_fd(pipe)?;
        Ok(Self {
            pipe,
            splitter: LogSplitter::default(),
            open: true,
        })
    }

    /// A second reader of the same pipe, for when the first goes away.
    pub(crate) fn again(&self) -> io::Result<Self> {
        Self::new(self.pipe.as_fd().try_clone_to_owned()?)
    }

    /// Passes on what is printed while something else goes on, and what is there then.
    pub(crate) async fn read_during(&mut self, work: impl Future<Output = ()>, journal: &mut Journal) {
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                () = &mut work => break,
                () = journal.handed_over(), if journal.is_behind() => {}
                () = self.readable(), if self.is_open() && !journal.is_behind() => self.read(journal),
            }
        }
        self.drain(journal);
    }

    /// From now on, drops what is below a level.
    pub(crate) fn keep_from(&mut self, level: LogLevel) {
        self.splitter.keep_from(level);
    }

    /// Whether anything may still come.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Waits until there is output, or the end of it.
    pub(crate) async fn readable(&self) {
        // An error here comes up again in the read that follows.
        let _ = self.pipe.readable().await;
    }

    /// Passes on what is there.
    pub(crate) fn read(&mut self, journal: &mut Journal) {
        let (pipe, splitter) = (&self.pipe, &mut self.splitter);
        let mut read = Read::Nothing;
        // An error tells the reactor that the pipe is empty now.
        let _ = pipe.try_io(|| {
            read = pass_on(pipe, splitter, journal);
            match read {
                Read::Bytes(READ) => Ok(()),
                _ => Err(io::ErrorKind::WouldBlock.into()),
            }
        });
        self.open &= read != Read::End;
        journal.hand_over_if_full();
    }

    /// Passes on everything that was written before now, and an incomplete last line with it.
    ///
    /// Asks the kernel itself: what was written a moment ago, just before the response, may not have come to
    /// the notice of the runtime's reactor, and reading through it would find nothing.
    pub(crate) fn drain(&mut self, journal: &mut Journal) {
        let mut left = DRAIN;
        while self.open && left > 0 {
            let read = pass_on(&self.pipe, &mut self.splitter, journal);
            self.open &= read != Read::End;
            // A read that is not full has emptied the pipe.
            let Read::Bytes(READ) = read else { break };
            left = left.saturating_sub(READ);
        }
        if let Some(event) = self.splitter.flush(SystemTime::now()) {
            journal.push(event);
        }
    }
}

/// What a read gave.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Bytes(usize),
    /// Nothing is there now.
    Nothing,
    /// Nothing will come any more.
    End,
}

/// Passes on what one read brings. Lines are dated by when the read began: what is written later comes with a later
/// read, and is not to look older.
fn pass_on(pipe: impl AsFd, splitter: &mut LogSplitter, journal: &mut Journal) -> Read {
    let before = SystemTime::now();
    let mut space = [MaybeUninit::uninit(); READ];
    match rustix::io::read(pipe, &mut space) {
        Ok((bytes, _)) if !bytes.is_empty() => {
            let mut events = Vec::new();
            splitter.push(bytes, before, &mut events);
            events.into_iter().for_each(|event| journal.push(event));
            Read::Bytes(bytes.len())
        }
        Err(Errno::AGAIN) => Read::Nothing,
        Ok(_) | Err(_) => Read::End,
    }
}
