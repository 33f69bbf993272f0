//! What an environment says to the server.

use bytes::{Buf, Bytes};
use serde::Deserialize;

use super::frame::{Frame, Kind};

/// Longest error type that is taken from an environment, in bytes.
const ERROR_TYPE_BYTES: usize = 1024;
/// Longest content type that is taken from an environment, in bytes.
const CONTENT_TYPE_BYTES: usize = 1024;

/// The bootstrap has loaded and waits to be claimed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Hello {
    /// `nodejs` or `python`.
    pub runtime: String,
    /// The interpreter's version, such as `20.20.2`.
    pub version: String,
    /// The bootstrap's process id inside the environment.
    pub pid: u32,
}

/// Why an init or an invocation failed, as the runtime tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeError {
    /// `Runtime.HandlerNotFound`, `Function.ResponseSizeTooLarge`, or the class of what was thrown.
    pub error_type: String,
    /// JSON for the caller, to be passed on unchanged.
    pub body: Bytes,
}

/// A frame from an environment, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The bootstrap has loaded.
    Hello(Hello),
    /// The payload of a ping, echoed.
    Ping(Bytes),
    /// What the bootstrap has prepared, for others of the same interpreter: nothing that means anything to the server.
    Prepared(Bytes),
    /// The claim's outcome: the handler is loaded, or why not.
    Claimed(Result<(), RuntimeError>),
    /// The response to `request` is streamed; its chunks follow.
    Stream {
        /// The invocation.
        request: u64,
        /// Its content type: printable ASCII, fit for a header.
        content_type: String,
    },
    /// A piece of the response to `request`.
    Chunk {
        /// The invocation.
        request: u64,
        /// The next bytes of the response.
        body: Bytes,
    },
    /// The response to this request is complete, and the invocation over unless the response was streamed.
    End(u64),
    /// The invocation of a streamed response is over: the function has nothing left to do.
    Done(u64),
    /// Invocation `request` failed, perhaps after chunks of a streamed response.
    Error {
        /// The invocation.
        request: u64,
        /// What to tell the caller.
        error: RuntimeError,
    },
    /// The environment takes `bytes` more of the event of `request`.
    Credit {
        /// The invocation.
        request: u64,
        /// How many more bytes.
        bytes: u32,
    },
}

/// A frame that no bootstrap sends. The environment is to be closed.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// A kind that only the server may send.
    #[error("{0:?} frame from an environment")]
    Direction(Kind),
    /// An invocation's frame for the environment itself, or the reverse.
    #[error("{0:?} frame for request {1}")]
    Request(Kind, u64),
    /// The payload has not the form of its kind.
    #[error("malformed {0:?} frame")]
    Payload(Kind),
}

impl Message {
    /// Understands a frame that came from an environment.
    pub fn decode(frame: Frame) -> Result<Self, MessageError> {
        let Frame {
            kind,
            request,
            payload,
        } = frame;
        let of_environment = matches!(kind, Kind::Hello | Kind::Ping | Kind::Prepared | Kind::Claimed);
        if of_environment != (request == 0) {
            return Err(MessageError::Request(kind, request));
        }
        let message = match kind {
            Kind::Hello => serde_json::from_slice(&payload).ok().map(Self::Hello),
            Kind::Ping => Some(Self::Ping(payload)),
            Kind::Prepared => Some(Self::Prepared(payload)),
            Kind::Claimed if payload.is_empty() => Some(Self::Claimed(Ok(()))),
            Kind::Claimed => RuntimeError::decode(payload).map(|error| Self::Claimed(Err(error))),
            Kind::Stream => Self::stream(request, payload),
            Kind::Chunk => Some(Self::Chunk {
                request,
                body: payload,
            }),
            Kind::End => payload.is_empty().then_some(Self::End(request)),
            Kind::Done => payload.is_empty().then_some(Self::Done(request)),
            Kind::Error => RuntimeError::decode(payload).map(|error| Self::Error { request, error }),
            Kind::Credit => Self::credit(request, &payload),
            Kind::Claim | Kind::Invoke => return Err(MessageError::Direction(kind)),
        };
        message.ok_or(MessageError::Payload(kind))
    }

    fn stream(request: u64, payload: Bytes) -> Option<Self> {
        let printable = |byte: &u8| matches!(byte, b' '..=b'~');
        if payload.is_empty() || payload.len() > CONTENT_TYPE_BYTES || !payload.iter().all(printable) {
            return None;
        }
        let content_type = String::from_utf8(payload.into()).ok()?;
        Some(Self::Stream {
            request,
            content_type,
        })
    }

    fn credit(request: u64, payload: &[u8]) -> Option<Self> {
        let bytes = u32::from_be_bytes(payload.try_into().ok()?);
        Some(Self::Credit { request, bytes })
    }
}

impl RuntimeError {
    /// Payload: u16 length of the type, the type, the JSON body.
    fn decode(mut payload: Bytes) -> Option<Self> {
        let length = payload.try_get_u16().ok()? as usize;
        if length > payload.len().min(ERROR_TYPE_BYTES) {
            return None;
        }
        let error_type = String::from_utf8(payload.split_to(length).into()).ok()?;
        Some(Self {
            error_type,
            body: payload,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn decode(kind: Kind, request: u64, payload: &[u8]) -> Result<Message, MessageError> {
        Message::decode(Frame {
            kind,
            request,
            payload: Bytes::copy_from_slice(payload),
        })
    }

    #[test]
    fn every_kind_is_understood() {
        let hello = decode(
            Kind::Hello,
            0,
            br#"{"runtime":"nodejs","version":"20.1.0","pid":2}"#,
        )
        .unwrap();
        let expected = Hello {
            runtime: "nodejs".into(),
            version: "20.1.0".into(),
            pid: 2,
        };
        assert_eq!(hello, Message::Hello(expected));
        assert_eq!(decode(Kind::Claimed, 0, b"").unwrap(), Message::Claimed(Ok(())));
        let error = RuntimeError {
            error_type: "Error".into(),
            body: Bytes::from_static(b"{}"),
        };
        assert_eq!(
            decode(Kind::Error, 4, b"\0\x05Error{}").unwrap(),
            Message::Error {
                request: 4,
                error: error.clone()
            }
        );
        assert_eq!(
            decode(Kind::Claimed, 0, b"\0\x05Error{}").unwrap(),
            Message::Claimed(Err(error))
        );
        assert_eq!(
            decode(Kind::Credit, 4, &[0, 0, 1, 0]).unwrap(),
            Message::Credit {
                request: 4,
                bytes: 256
            }
        );
        assert_eq!(
            decode(Kind::Stream, 4, b"text/plain; charset=utf-8").unwrap(),
            Message::Stream {
                request: 4,
                content_type: "text/plain; charset=utf-8".into()
            }
        );
    }

    #[test]
    fn what_no_bootstrap_sends_is_refused() {
        for (kind, request, payload) in [
            (Kind::Hello, 0, &b"{}"[..]),
            (
                Kind::Hello,
                1,
                br#"{"runtime":"nodejs","version":"20.1.0","pid":2}"#,
            ),
            (Kind::Prepared, 1, b""),
            (Kind::Claim, 0, b"{}"),
            (Kind::Invoke, 1, b"{}"),
            (Kind::Chunk, 0, b"x"),
            (Kind::End, 1, b"x"),
            (Kind::Done, 1, b"x"),
            (Kind::Done, 0, b""),
            (Kind::Error, 1, b"\0\x06Error"),
            (Kind::Error, 1, b"\0"),
            (Kind::Error, 1, b"\0\x01\xff{}"),
            (Kind::Credit, 1, b"\0\0\0"),
            (Kind::Stream, 0, b"text/plain"),
            (Kind::Stream, 1, b""),
            (Kind::Stream, 1, b"text/plain\r\nx-injected: 1"),
            (Kind::Stream, 1, "text/ü".as_bytes()),
            (Kind::Stream, 1, &[b'x'; 1025]),
        ] {
            assert!(
                decode(kind, request, payload).is_err(),
                "{kind:?} {request} {payload:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn arbitrary_payloads_never_panic(kind in 1..=12u8, request in 0..3u64, payload in vec(any::<u8>(), 0..80)) {
            let header = [&[2, kind, 0, 0][..], &(payload.len() as u32).to_be_bytes(), &request.to_be_bytes()];
            let mut buffer = super::super::FrameBuffer::new();
            buffer.push(&header.concat());
            buffer.push(&payload);
            let _ = Message::decode(buffer.next_frame().unwrap().unwrap());
        }

        #[test]
        fn a_content_type_is_always_fit_for_a_header(payload in vec(any::<u8>(), 0..40)) {
            if let Ok(Message::Stream { content_type, .. }) = decode(Kind::Stream, 1, &payload) {
                prop_assert_eq!(content_type.as_bytes(), &payload[..]);
                prop_assert!(content_type.chars().all(|c| c == ' ' || c.is_ascii_graphic()));
            }
        }
    }
}
