//! Writing messages.

use bytes::{BufMut, Bytes, BytesMut};

use super::{CHECKSUM_BYTES, PRELUDE_BYTES, TEXT};

/// One event as a message: its name (the member of the model's union), the content type of its payload, and that.
/// Names and content types are short texts of the server's own.
pub fn encode_event(name: &str, content_type: &str, payload: &[u8]) -> Bytes {
    let headers = [
        (":message-type", "event"),
        (":event-type", name),
        (":content-type", content_type),
    ];
    let header_bytes: usize = headers
        .iter()
        .map(|(name, value)| 1 + name.len() + 1 + 2 + value.len())
        .sum();
    let total = PRELUDE_BYTES + header_bytes + payload.len() + CHECKSUM_BYTES;
    let mut message = BytesMut::with_capacity(total);
    message.put_u32(total as u32);
    message.put_u32(header_bytes as u32);
    put_checksum(&mut message);
    for (name, value) in headers {
        message.put_u8(name.len() as u8);
        message.put_slice(name.as_bytes());
        message.put_u8(TEXT);
        message.put_u16(value.len() as u16);
        message.put_slice(value.as_bytes());
    }
    message.put_slice(payload);
    put_checksum(&mut message);
    message.freeze()
}

/// Appends the checksum of everything so far.
fn put_checksum(message: &mut BytesMut) {
    message.put_u32(crc32fast::hash(message));
}
