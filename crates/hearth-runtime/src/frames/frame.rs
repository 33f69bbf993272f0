//! One frame and its header.

use bytes::{BufMut, Bytes};

/// Length of a header, in bytes.
pub const HEADER_BYTES: usize = 16;
/// Largest payload of one frame, in bytes.
pub const MAX_PAYLOAD: usize = 256 * 1024;

/// 2: responses may be streamed.
const VERSION: u8 = 2;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The bootstrap has loaded (from the environment).
    Hello = 1,
    /// Answered with the same payload by the environment.
    Ping = 2,
    /// Handler and variables, exactly once (to the environment).
    Claim = 3,
    /// The handler was loaded, or could not be (from the environment).
    Claimed = 4,
    /// An invocation begins (to the environment).
    Invoke = 5,
    /// A piece of a body.
    Chunk = 6,
    /// The body is complete.
    End = 7,
    /// The invocation failed (from the environment).
    Error = 8,
    /// The peer may send this many more bytes of body.
    Credit = 9,
    /// The response is streamed: its chunks are to be passed on as they come (from the environment).
    Stream = 10,
    /// The invocation is over, after the end of its streamed response (from the environment).
    Done = 11,
    /// What a bootstrap has prepared for those that come after, and are given it before anything else.
    Prepared = 12,
}

impl Kind {
    const ALL: [Kind; 12] = [
        Kind::Hello,
        Kind::Ping,
        Kind::Claim,
        Kind::Claimed,
        Kind::Invoke,
        Kind::Chunk,
        Kind::End,
        Kind::Error,
        Kind::Credit,
        Kind::Stream,
        Kind::Done,
        Kind::Prepared,
    ];

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// The bytes are not a frame of this protocol.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FrameError {
    /// The first byte is not the protocol's version.
    #[error("frame of protocol version {0}")]
    Version(u8),
    /// No such kind.
    #[error("frame of unknown kind {0}")]
    Kind(u8),
    /// Reserved bits are set.
    #[error("frame with reserved flags {0:#06x}")]
    Flags(u16),
    /// The payload is longer than [`MAX_PAYLOAD`].
    #[error("frame of {0} bytes")]
    TooLong(u32),
}

/// The fixed part of a frame, big-endian on the wire: version, kind, flags, length, request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame is for.
    pub kind: Kind,
    /// Length of the payload in bytes, at most [`MAX_PAYLOAD`].
    pub length: u32,
    /// Number of the invocation within the environment; 0 for the environment itself.
    pub request: u64,
}

impl Header {
    /// Reads a header.
    pub fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Self, FrameError> {
        let [version, kind, f0, f1, l0, l1, l2, l3, request @ ..] = *bytes;
        let flags = u16::from_be_bytes([f0, f1]);
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        if version != VERSION {
            return Err(FrameError::Version(version));
        }
        if flags != 0 {
            return Err(FrameError::Flags(flags));
        }
        if length as usize > MAX_PAYLOAD {
            return Err(FrameError::TooLong(length));
        }
        let kind = Kind::from_byte(kind).ok_or(FrameError::Kind(kind))?;
        Ok(Self {
            kind,
            length,
            request: u64::from_be_bytes(request),
        })
    }

    /// The header as it goes over the wire.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0] = VERSION;
        bytes[1] = self.kind as u8;
        bytes[4..8].copy_from_slice(&self.length.to_be_bytes());
        bytes[8..].copy_from_slice(&self.request.to_be_bytes());
        bytes
    }
}

/// A header with its payload, which shares memory with the buffer or body it was cut from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What the frame is for.
    pub kind: Kind,
    /// Number of the invocation within the environment; 0 for the environment itself.
    pub request: u64,
    /// At most [`MAX_PAYLOAD`] bytes.
    pub payload: Bytes,
}

impl Frame {
    /// The header in front of the payload.
    pub fn header(&self) -> [u8; HEADER_BYTES] {
        debug_assert!(
            self.payload.len() <= MAX_PAYLOAD,
            "a frame is built from a bounded payload"
        );
        Header {
            kind: self.kind,
            length: self.payload.len() as u32,
            request: self.request,
        }
        .encode()
    }

    /// Appends header and payload to a buffer that is about to be written.
    pub fn put(&self, out: &mut impl BufMut) {
        out.put_slice(&self.header());
        out.put_slice(&self.payload);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_header_round_trips(kind in 0..12usize, length in 0..=MAX_PAYLOAD as u32, request: u64) {
            let header = Header { kind: Kind::ALL[kind], length, request };
            prop_assert_eq!(Header::parse(&header.encode()), Ok(header));
        }

        #[test]
        fn what_parses_is_what_was_written(bytes: [u8; HEADER_BYTES]) {
            if let Ok(header) = Header::parse(&bytes) {
                prop_assert_eq!(header.encode(), bytes);
            }
        }
    }

    #[test]
    fn what_is_not_the_protocol_is_refused() {
        let good = Header {
            kind: Kind::Chunk,
            length: 7,
            request: 1,
        }
        .encode();
        let with = |at: usize, byte: u8| {
            let mut bad = good;
            bad[at] = byte;
            Header::parse(&bad)
        };
        assert_eq!(with(0, 1), Err(FrameError::Version(1)));
        assert_eq!(with(1, 0), Err(FrameError::Kind(0)));
        assert_eq!(with(1, 13), Err(FrameError::Kind(13)));
        assert_eq!(with(2, 1), Err(FrameError::Flags(0x100)));
        assert_eq!(with(4, 1), Err(FrameError::TooLong(0x0100_0007)));
    }
}
