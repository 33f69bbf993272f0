//! Bodies in pieces, under credit.

use bytes::{Bytes, BytesMut};

use super::INITIAL_CREDIT;
use super::frame::{Frame, Kind, MAX_PAYLOAD};

/// An event on its way into an environment: cut into chunks, no further than the credit reaches.
#[derive(Debug)]
pub struct OutgoingBody {
    request: u64,
    rest: Bytes,
    credit: u64,
    ended: bool,
}

impl OutgoingBody {
    /// The body of invocation `request`.
    pub fn new(request: u64, body: Bytes) -> Self {
        Self {
            request,
            rest: body,
            credit: u64::from(INITIAL_CREDIT),
            ended: false,
        }
    }

    /// The environment takes `bytes` more.
    pub fn grant(&mut self, bytes: u32) {
        self.credit = self.credit.saturating_add(u64::from(bytes));
    }

    /// Whether the end was handed out. If not, and [`Iterator::next`] gives nothing, credit is missing.
    pub fn is_finished(&self) -> bool {
        self.ended
    }
}

impl Iterator for OutgoingBody {
    type Item = Frame;

    /// The next frame that may be sent now: a chunk, or the end after the last one. The body is not copied.
    fn next(&mut self) -> Option<Frame> {
        if self.ended {
            return None;
        }
        if self.rest.is_empty() {
            self.ended = true;
            return Some(Frame {
                kind: Kind::End,
                request: self.request,
                payload: Bytes::new(),
            });
        }
        let allowed = usize::try_from(self.credit).unwrap_or(usize::MAX);
        let length = self.rest.len().min(MAX_PAYLOAD).min(allowed);
        self.credit -= length as u64;
        let payload = self.rest.split_to(length);
        (length > 0).then_some(Frame {
            kind: Kind::Chunk,
            request: self.request,
            payload,
        })
    }
}

/// A body must not be taken any further.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BodyError {
    /// It exceeds the limit for a whole response.
    #[error("response of more than {0} bytes")]
    TooLarge(usize),
    /// The environment sent more than it was granted: not our bootstrap.
    #[error("more body than was granted")]
    Credit,
}

/// How much an environment may still send of a response.
#[derive(Debug)]
pub struct CreditWindow {
    left: u32,
}

impl CreditWindow {
    /// A window that is open as far as every response's is at its start: [`INITIAL_CREDIT`].
    pub fn new() -> Self {
        Self { left: INITIAL_CREDIT }
    }

    /// A chunk of so many bytes came in.
    pub fn spend(&mut self, bytes: usize) -> Result<(), BodyError> {
        let bytes = u32::try_from(bytes).map_err(|_| BodyError::Credit)?;
        self.left = self.left.checked_sub(bytes).ok_or(BodyError::Credit)?;
        Ok(())
    }

    /// To be called when what came in is taken care of. When half of the window is used up, opens it again and
    /// says how much to grant.
    pub fn reopen(&mut self) -> Option<u32> {
        let spent = INITIAL_CREDIT - self.left;
        (spent >= INITIAL_CREDIT / 2).then(|| {
            self.left = INITIAL_CREDIT;
            spent
        })
    }
}

impl Default for CreditWindow {
    fn default() -> Self {
        Self::new()
    }
}

/// A response that is collected, held to a limit.
#[derive(Debug, Default)]
pub struct IncomingBody {
    limit: usize,
    first: Bytes,
    more: BytesMut,
}

impl IncomingBody {
    /// Collects a response of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            first: Bytes::new(),
            more: BytesMut::new(),
        }
    }

    /// Takes the next chunk.
    pub fn push(&mut self, chunk: Bytes) -> Result<(), BodyError> {
        if self.len() + chunk.len() > self.limit {
            return Err(BodyError::TooLarge(self.limit));
        }
        if self.first.is_empty() {
            self.first = chunk;
        } else {
            if self.more.is_empty() {
                self.more.extend_from_slice(&self.first);
            }
            self.more.extend_from_slice(&chunk);
        }
        Ok(())
    }

    /// Whether nothing has come yet.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// The whole response. A response of one chunk was never copied.
    pub fn finish(self) -> Bytes {
        if self.more.is_empty() {
            self.first
        } else {
            self.more.freeze()
        }
    }

    fn len(&self) -> usize {
        self.first.len().max(self.more.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_body_arrives_whole_under_credit(size in 0..3_000_000usize, grants in vec(1..900_000u32, 1..8)) {
            let body: Bytes = [1, 2, 3, 5, 8, 13, 21].repeat(size / 7).into();
            let mut outgoing = OutgoingBody::new(1, body.clone());
            let mut incoming = IncomingBody::new(body.len());
            let mut window = CreditWindow::new();
            let mut grants = grants.iter().cycle();
            while !outgoing.is_finished() {
                let mut granted = 0;
                for frame in outgoing.by_ref() {
                    prop_assert!(frame.payload.len() <= MAX_PAYLOAD);
                    if frame.kind == Kind::Chunk {
                        window.spend(frame.payload.len()).unwrap();
                        incoming.push(frame.payload).unwrap();
                        granted += window.reopen().unwrap_or(0);
                    }
                }
                // Grants may arrive in any pieces.
                while granted > 0 {
                    let piece = granted.min(*grants.next().unwrap());
                    outgoing.grant(piece);
                    granted -= piece;
                }
            }
            prop_assert_eq!(incoming.finish(), body);
        }
    }

    #[test]
    fn an_empty_body_is_an_end() {
        let frames: Vec<Frame> = OutgoingBody::new(5, Bytes::new()).collect();
        assert_eq!(
            frames,
            [Frame {
                kind: Kind::End,
                request: 5,
                payload: Bytes::new()
            }]
        );
    }

    #[test]
    fn limits_are_enforced() {
        let mut body = IncomingBody::new(10);
        assert_eq!(body.push(Bytes::from_static(b"0123456789")), Ok(()));
        assert_eq!(body.push(Bytes::from_static(b"x")), Err(BodyError::TooLarge(10)));

        let mut window = CreditWindow::new();
        assert_eq!(window.spend(INITIAL_CREDIT as usize + 1), Err(BodyError::Credit));
        assert_eq!(window.spend(INITIAL_CREDIT as usize), Ok(()));
        assert_eq!(window.spend(1), Err(BodyError::Credit));
        assert_eq!(window.reopen(), Some(INITIAL_CREDIT));
        assert_eq!(window.spend(1), Ok(()));
    }

    #[test]
    fn a_response_of_one_chunk_is_not_copied() {
        let chunk = Bytes::from(vec![1; 1000]);
        let mut body = IncomingBody::new(1000);
        body.push(chunk.clone()).unwrap();
        assert_eq!(body.finish().as_ptr(), chunk.as_ptr());
    }
}
