//! Taking requests.

use rustix::net::RecvFlags;

use super::Warden;
use crate::isolation::limits::Limits;
use crate::protocol::{Answer, REQUEST_SIZE, Refusal, Request};

/// How many requests are taken before other events have their turn.
const BATCH: usize = 16;

impl Warden {
    /// Takes requests, as long as their answers are taken. A record that is none is dropped, as are
    /// descriptors that come along: receiving without room for them closes them.
    pub(super) fn serve(&mut self) {
        for _ in 0..BATCH {
            let mut record = [0; REQUEST_SIZE + 1];
            let Ok((_, length)) = rustix::net::recv(&self.server, &mut record, RecvFlags::DONTWAIT) else {
                return;
            };
            if let Some(request) = record.get(..length).and_then(Request::decode) {
                self.obey(request);
            }
            if !self.outbox.is_empty() {
                return;
            }
        }
    }

    fn obey(&mut self, request: Request) {
        match request {
            // As if it were claimed for the smallest /tmp, which most are.
            Request::Boot {
                tag,
                runtime,
                start,
                memory_mb,
            } => {
                self.boot(tag, runtime, start, Limits::clamped(memory_mb, 0));
            }
            Request::Claim {
                tag,
                id,
                code,
                layers,
                memory_mb,
                ephemeral_mb,
            } => match self.claim(
                id,
                code,
                layers.as_ref(),
                Limits::clamped(memory_mb, ephemeral_mb),
            ) {
                Ok(()) => self.outbox.put(Answer::Claimed { tag }),
                Err(refusal) => self.refuse(tag, refusal),
            },
            Request::Socket { tag, id } => match self.make_socket(id) {
                Ok(socket) => self.outbox.put_with(Answer::Socket { tag }, vec![socket]),
                Err(refusal) => self.refuse(tag, refusal),
            },
            Request::Terminate { id } => self.terminate(id),
            Request::Kill { id } => self.kill(id),
        }
    }

    /// Answers that a request is not carried out.
    pub(super) fn refuse(&mut self, tag: u32, refusal: Refusal) {
        self.outbox.put(Answer::Refused { tag, refusal });
    }
}
