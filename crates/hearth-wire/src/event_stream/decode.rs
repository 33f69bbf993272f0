//! Reading messages, of whoever answers.

use bytes::{Buf, Bytes, BytesMut};

use super::{CHECKSUM_BYTES, MAX_HEADERS, MAX_PAYLOAD, PRELUDE_BYTES, TEXT};

/// One message of an event stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventMessage {
    /// `event`, `exception` or `error`.
    pub message_type: String,
    /// Which event or exception: the member of the model's union, or the code of an error.
    pub name: String,
    /// Its payload.
    pub payload: Bytes,
}

/// The bytes are no event stream. What follows has no meaning any more.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EventStreamError {
    /// A checksum is wrong.
    #[error("a message with a wrong checksum")]
    Checksum,
    /// Lengths that contradict each other, or exceed what clients take.
    #[error("a message with impossible lengths")]
    Length,
    /// A header of no known form.
    #[error("a message with a malformed header")]
    Header,
}

/// Collects the bytes of an event stream and yields its messages.
#[derive(Debug, Default)]
pub struct EventDecoder {
    bytes: BytesMut,
}

impl EventDecoder {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends what was received.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether the stream ended between messages.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next complete message, or none while more bytes are needed.
    pub fn next_message(&mut self) -> Result<Option<EventMessage>, EventStreamError> {
        let Some(prelude) = self.bytes.first_chunk::<PRELUDE_BYTES>() else {
            return Ok(None);
        };
        let (total, headers) = lengths(prelude)?;
        if self.bytes.len() < total {
            return Ok(None);
        }
        let mut message = self.bytes.split_to(total).freeze();
        let mut checksum = message.split_off(total - CHECKSUM_BYTES);
        if crc32fast::hash(&message) != checksum.get_u32() {
            return Err(EventStreamError::Checksum);
        }
        message.advance(PRELUDE_BYTES);
        let headers = message.split_to(headers);
        let mut read = EventMessage {
            payload: message,
            ..EventMessage::default()
        };
        read.take_headers(headers).ok_or(EventStreamError::Header)?;
        Ok(Some(read))
    }
}

/// The lengths of the whole message and of its headers.
fn lengths(prelude: &[u8; PRELUDE_BYTES]) -> Result<(usize, usize), EventStreamError> {
    let (lengths, mut checksum) = prelude.split_at(PRELUDE_BYTES - CHECKSUM_BYTES);
    if crc32fast::hash(lengths) != checksum.get_u32() {
        return Err(EventStreamError::Checksum);
    }
    let (mut total, mut headers) = lengths.split_at(4);
    let (total, headers) = (total.get_u32() as usize, headers.get_u32() as usize);
    let frame = PRELUDE_BYTES + CHECKSUM_BYTES;
    match total
        .checked_sub(frame)
        .and_then(|rest| rest.checked_sub(headers))
    {
        Some(payload) if payload <= MAX_PAYLOAD && headers <= MAX_HEADERS => Ok((total, headers)),
        _ => Err(EventStreamError::Length),
    }
}

impl EventMessage {
    /// Keeps the headers that say what the message is; none if they are malformed.
    fn take_headers(&mut self, mut headers: Bytes) -> Option<()> {
        while headers.has_remaining() {
            let length = headers.get_u8() as usize;
            let name = take(&mut headers, length)?;
            match (name.as_ref(), value(&mut headers)?) {
                (b":message-type", Some(text)) => self.message_type = text,
                (b":event-type" | b":exception-type" | b":error-code", Some(text)) => self.name = text,
                _ => {}
            }
        }
        Some(())
    }
}

/// The value of a header. The outer option is whether it has a known form, the inner one whether it is a text.
fn value(headers: &mut Bytes) -> Option<Option<String>> {
    let length = match headers.try_get_u8().ok()? {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        9 => 16,
        6 => headers.try_get_u16().ok()? as usize,
        TEXT => {
            let length = headers.try_get_u16().ok()? as usize;
            let text = take(headers, length)?;
            return Some(Some(String::from_utf8(text.into()).ok()?));
        }
        _ => return None,
    };
    take(headers, length).map(|_| None)
}

fn take(bytes: &mut Bytes, length: usize) -> Option<Bytes> {
    (length <= bytes.len()).then(|| bytes.split_to(length))
}
