//! AWS event streams (`application/vnd.amazon.eventstream`): messages in one long body.
//!
//! A message is a prelude (total length, length of the headers, CRC-32 of both), headers, a payload, and the CRC-32 of
//! everything before it; numbers are big-endian. A header is the length of its name, the name, a type and a value.
//! Source: the event stream encoding of the Amazon Transcribe and Smithy documentation.

mod decode;
mod encode;

pub use decode::{EventDecoder, EventMessage, EventStreamError};
pub use encode::encode_event;

/// The content type of a body of messages.
pub const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

/// Two lengths and their checksum.
const PRELUDE_BYTES: usize = 12;
const CHECKSUM_BYTES: usize = 4;
/// Type of a header whose value is a text: a u16 length, and the text.
const TEXT: u8 = 7;
/// Largest payload of a message, in bytes: what AWS's clients take.
const MAX_PAYLOAD: usize = 24 * 1024 * 1024;
/// Most bytes of headers in a message.
const MAX_HEADERS: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn decode_all(decoder: &mut EventDecoder) -> Result<Vec<EventMessage>, EventStreamError> {
        std::iter::from_fn(|| decoder.next_message().transpose()).collect()
    }

    /// The bytes that botocore and AWS's documentation have for this message.
    #[test]
    fn a_message_has_the_documented_bytes() {
        let message = encode_event("PayloadChunk", "application/octet-stream", b"hi");
        let headers = b"\x0d:message-type\x07\x00\x05event\
            \x0b:event-type\x07\x00\x0cPayloadChunk\
            \x0d:content-type\x07\x00\x18application/octet-stream";
        let total = (PRELUDE_BYTES + headers.len() + 2 + CHECKSUM_BYTES) as u32;
        assert_eq!(message[..4], total.to_be_bytes());
        assert_eq!(message[4..8], (headers.len() as u32).to_be_bytes());
        assert_eq!(&message[12..12 + headers.len()], headers);
        assert_eq!(&message[12 + headers.len()..total as usize - 4], b"hi");
    }

    #[test]
    fn what_is_not_an_event_stream_is_refused() {
        let good = encode_event("PayloadChunk", "application/octet-stream", b"hi");
        for at in 0..good.len() {
            let mut bad = good.to_vec();
            bad[at] ^= 1;
            let mut decoder = EventDecoder::new();
            decoder.push(&bad);
            assert!(decoder.next_message().is_err(), "byte {at} does not matter");
        }
        let mut decoder = EventDecoder::new();
        decoder.push(b"HTTP/1.1 200 OK\r\n");
        assert!(matches!(decoder.next_message(), Err(EventStreamError::Checksum)));
    }

    proptest! {
        #[test]
        fn any_chunking_of_a_stream_gives_the_same_messages(
            payloads in vec(vec(any::<u8>(), 0..600), 0..8),
            name in "[A-Za-z]{1,20}",
            cuts in vec(1..300usize, 1..20),
        ) {
            let stream: Vec<u8> = payloads.iter().flat_map(|payload| encode_event(&name, "a/b", payload)).collect();
            let mut decoder = EventDecoder::new();
            let mut found = Vec::new();
            let mut rest = &stream[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                decoder.push(piece);
                found.extend(decode_all(&mut decoder).unwrap());
                rest = after;
            }
            let expected: Vec<EventMessage> = payloads.into_iter().map(|payload| EventMessage {
                message_type: "event".to_owned(),
                name: name.clone(),
                payload: Bytes::from(payload),
            }).collect();
            prop_assert_eq!(found, expected);
            prop_assert!(decoder.is_empty());
        }

        /// Well-formed lengths and checksums around anything.
        #[test]
        fn arbitrary_headers_never_panic(headers in vec(any::<u8>(), 0..80), payload in vec(any::<u8>(), 0..20)) {
            let total = PRELUDE_BYTES + headers.len() + payload.len() + CHECKSUM_BYTES;
            let mut message = [(total as u32).to_be_bytes(), (headers.len() as u32).to_be_bytes()].concat();
            message.extend(crc32fast::hash(&message).to_be_bytes());
            message.extend(headers);
            message.extend(&payload);
            message.extend(crc32fast::hash(&message).to_be_bytes());
            let mut decoder = EventDecoder::new();
            decoder.push(&message);
            if let Ok(Some(message)) = decoder.next_message() {
                prop_assert_eq!(message.payload, payload);
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(pieces in vec(vec(any::<u8>(), 0..100), 0..20)) {
            let mut decoder = EventDecoder::new();
            for piece in pieces {
                decoder.push(&piece);
                if decode_all(&mut decoder).is_err() {
                    break;
                }
            }
        }
    }
}
