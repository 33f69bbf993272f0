//! Bytes from a socket, put together into frames.

use bytes::{Buf, BytesMut};

use super::frame::{Frame, FrameError, HEADER_BYTES, Header};

/// Room offered for one read when nothing larger is known to be on its way, in bytes.
const READ_BYTES: usize = 16 * 1024;

/// Collects bytes of a stream and yields its frames. Holds at most one frame and one read.
#[derive(Debug, Default)]
pub struct FrameBuffer {
    bytes: BytesMut,
    header: Option<Header>,
}

impl FrameBuffer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the next read should append: has room for the rest of the frame that has begun.
    pub fn space(&mut self) -> &mut BytesMut {
        let missing = self
            .header
            .map_or(0, |header| header.length as usize)
            .saturating_sub(self.bytes.len());
        self.bytes.reserve(missing.max(READ_BYTES));
        &mut self.bytes
    }

    /// Appends bytes that were read elsewhere.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next complete frame, or `None` while more bytes are needed. The payload is not copied.
    /// After an error the stream has no meaning any more: close it.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(header) = self.header()? else {
            return Ok(None);
        };
        if self.bytes.len() < header.length as usize {
            return Ok(None);
        }
        self.header = None;
        let payload = self.bytes.split_to(header.length as usize).freeze();
        Ok(Some(Frame {
            kind: header.kind,
            request: header.request,
            payload,
        }))
    }

    /// Whether the stream ended between frames, as it does when a peer closes in good order.
    pub fn is_empty(&self) -> bool {
        self.header.is_none() && self.bytes.is_empty()
    }

    fn header(&mut self) -> Result<Option<Header>, FrameError> {
        if self.header.is_none()
            && let Some(bytes) = self.bytes.first_chunk::<HEADER_BYTES>()
        {
            self.header = Some(Header::parse(bytes)?);
            self.bytes.advance(HEADER_BYTES);
        }
        Ok(self.header)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::frame::{Kind, MAX_PAYLOAD};
    use super::*;

    fn frames() -> impl Strategy<Value = Vec<Frame>> {
        let kind = prop_oneof![
            Just(Kind::Hello),
            Just(Kind::Chunk),
            Just(Kind::End),
            Just(Kind::Credit),
            Just(Kind::Stream)
        ];
        let frame =
            (kind, any::<u64>(), vec(any::<u8>(), 0..600)).prop_map(|(kind, request, payload)| Frame {
                kind,
                request,
                payload: payload.into(),
            });
        vec(frame, 0..12)
    }

    fn drain(buffer: &mut FrameBuffer) -> Result<Vec<Frame>, FrameError> {
        std::iter::from_fn(|| buffer.next_frame().transpose()).collect()
    }

    proptest! {
        #[test]
        fn any_chunking_of_a_stream_gives_the_same_frames(frames in frames(), cuts in vec(1..700usize, 1..40)) {
            let mut stream = BytesMut::new();
            frames.iter().for_each(|frame| frame.put(&mut stream));
            let mut buffer = FrameBuffer::new();
            let mut found = Vec::new();
            let mut rest = &stream[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                buffer.space().extend_from_slice(piece);
                found.extend(drain(&mut buffer).unwrap());
                rest = after;
            }
            prop_assert_eq!(found, frames);
            prop_assert!(buffer.is_empty());
        }

        #[test]
        fn arbitrary_bytes_never_panic(pieces in vec(vec(any::<u8>(), 0..100), 0..20)) {
            let mut buffer = FrameBuffer::new();
            for piece in pieces {
                buffer.push(&piece);
                if drain(&mut buffer).is_err() {
                    break;
                }
            }
        }
    }

    #[test]
    fn a_frame_of_the_largest_size_passes_and_a_larger_one_does_not() {
        let mut buffer = FrameBuffer::new();
        let payload = Bytes::from(vec![7; MAX_PAYLOAD]);
        let frame = Frame {
            kind: Kind::Chunk,
            request: 3,
            payload,
        };
        frame.put(buffer.space());
        assert_eq!(drain(&mut buffer), Ok(vec![frame]));

        buffer.push(&[2, 6, 0, 0, 0, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3]);
        assert_eq!(
            drain(&mut buffer),
            Err(FrameError::TooLong(MAX_PAYLOAD as u32 + 1))
        );
    }
}
