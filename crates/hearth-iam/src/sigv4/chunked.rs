//! `aws-chunked` bodies: `<hex size>[;chunk-signature=<hex>]\r\n<data>\r\n`, ended by an empty chunk,
//! trailing headers and an empty line. Each signature covers its chunk and the signature before it.

use bytes::{BufMut, Bytes, BytesMut};

use super::SignatureError;
use super::key::{SigningKey, sha256};
use crate::hex;

/// The longest line of framing that is looked for.
const LINE: usize = 8 * 1024;
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// Removes the framing and, given a chain, verifies every signature in it.
pub(super) fn decode(
    body: &[u8],
    trailer: bool,
    mut chain: Option<Chain<'_>>,
    announced: Option<usize>,
) -> Result<Bytes, SignatureError> {
    let mut rest = body;
    let mut decoded = BytesMut::with_capacity(body.len());
    loop {
        let chunk = Chunk::read(&mut rest)?;
        if let Some(chain) = &mut chain {
            chain.verify_chunk(&chunk)?;
        }
        if chunk.data.is_empty() {
            break;
        }
        decoded.put_slice(chunk.data);
    }
    let trailers = Trailers::read(&mut rest)?;
    match &mut chain {
        Some(chain) if trailer => chain.verify_trailers(&trailers)?,
        _ if !trailer && !trailers.is_empty() => return Err(SignatureError::Body("unannounced trailers")),
        _ => {}
    }
    if !rest.is_empty() {
        return Err(SignatureError::Body("data after the end"));
    }
    if announced.is_some_and(|length| length != decoded.len()) {
        return Err(SignatureError::Body("its length is not the announced one"));
    }
    Ok(decoded.freeze())
}

struct Chunk<'a> {
    data: &'a [u8],
    signature: Option<&'a str>,
}

impl<'a> Chunk<'a> {
    /// Reads one chunk; the line feed after the last, empty one ends the trailers and stays.
    fn read(rest: &mut &'a [u8]) -> Result<Self, SignatureError> {
        let line = line(rest)?;
        let (size, extension) = match line.split_once(';') {
            Some((size, extension)) => (size, Some(extension)),
            None => (line, None),
        };
        let size = Some(size).filter(|size| size.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let size = size.and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size.ok_or(SignatureError::Body("a chunk without a size"))?;
        let data = rest
            .split_off(..size)
            .ok_or(SignatureError::Body("a chunk is cut short"))?;
        if size > 0 && rest.split_off(..2) != Some(b"\r\n") {
            return Err(SignatureError::Body("a chunk is longer than its size"));
        }
        let signature = extension.and_then(|text| text.trim().strip_prefix("chunk-signature="));
        Ok(Self { data, signature })
    }
}

#[derive(Default)]
struct Trailers<'a> {
    /// `name:value\n` of each, as they are signed.
    canonical: String,
    signature: Option<&'a str>,
}

impl<'a> Trailers<'a> {
    fn read(rest: &mut &'a [u8]) -> Result<Self, SignatureError> {
        let mut trailers = Self::default();
        loop {
            let line = line(rest)?;
            if line.is_empty() {
                return Ok(trailers);
            }
            let (name, value) = line
                .split_once(':')
                .ok_or(SignatureError::Body("a trailer without a name"))?;
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            if name == TRAILER_SIGNATURE {
                trailers.signature = Some(value);
            } else {
                trailers.canonical.push_str(&format!("{name}:{value}\n"));
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.canonical.is_empty() && self.signature.is_none()
    }
}

/// Splits a line of framing off, without its `\r\n`.
fn line<'a>(rest: &mut &'a [u8]) -> Result<&'a str, SignatureError> {
    let window = &rest[..rest.len().min(LINE)];
    let end = window.windows(2).position(|pair| pair == b"\r\n");
    let end = end.ok_or(SignatureError::Body("a line without an end"))?;
    let (line, after) = rest.split_at(end);
    *rest = &after[2..];
    str::from_utf8(line).map_err(|_| SignatureError::Body("framing that is not text"))
}

/// The chain of signatures through a body, started by the signature of the request.
pub(super) struct Chain<'a> {
    pub(super) key: &'a SigningKey,
    pub(super) date: &'a str,
    pub(super) scope: &'a str,
    pub(super) previous: String,
}

impl Chain<'_> {
    fn verify_chunk(&mut self, chunk: &Chunk<'_>) -> Result<(), SignatureError> {
        let empty = sha256(b"");
        self.advance(
            "AWS4-HMAC-SHA256-PAYLOAD",
            &format!("{empty}\n{}", sha256(chunk.data)),
            chunk.signature,
        )
    }

    fn verify_trailers(&mut self, trailers: &Trailers<'_>) -> Result<(), SignatureError> {
        let digest = sha256(trailers.canonical.as_bytes());
        self.advance("AWS4-HMAC-SHA256-TRAILER", &digest, trailers.signature)
    }

    fn advance(&mut self, kind: &str, digest: &str, signature: Option<&str>) -> Result<(), SignatureError> {
        let signature = signature.ok_or(SignatureError::Mismatch)?;
        let bytes = hex::decode_digest(signature).ok_or(SignatureError::Mismatch)?;
        let Self {
            date,
            scope,
            previous,
            ..
        } = self;
        let text = format!("{kind}\n{date}\n{scope}\n{previous}\n{digest}");
        if !self.key.verifies(&text, &bytes) {
            return Err(SignatureError::Mismatch);
        }
        signature.clone_into(&mut self.previous);
        Ok(())
    }
}
