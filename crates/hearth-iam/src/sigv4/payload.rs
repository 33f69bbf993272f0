//! How `X-Amz-Content-Sha256` says the body was signed.

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderMap;

use super::chunked::{self, Chain};
use super::key::sha256;
use super::presented::single;
use super::{Request, Rules, SignatureError};

/// The header in question.
pub(super) const CONTENT_SHA256: &str = "x-amz-content-sha256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// What the body's signature covers, and how the body is framed.
pub(super) struct Payload<'a> {
    /// The last line of the canonical request.
    pub(super) digest: Cow<'a, str>,
    pub(super) framing: Framing,
}

/// How a body travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// As it is.
    Whole,
    /// `aws-chunked`, each chunk signed or none, with or without trailing headers.
    Chunked { signed: bool, trailer: bool },
}

impl Framing {
    /// What the digest header names; every value but the `STREAMING-` ones means a whole body.
    fn named(digest: Option<&str>) -> Self {
        match digest {
            Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD") => Self::Chunked {
                signed: true,
                trailer: false,
            },
            Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") => Self::Chunked {
                signed: true,
                trailer: true,
            },
            Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER") => Self::Chunked {
                signed: false,
                trailer: true,
            },
            _ => Self::Whole,
        }
    }

    /// The body without its framing; `None` if it travels whole. Only signed chunks need the chain.
    pub(super) fn decode(
        self,
        request: &Request<'_>,
        chain: Option<Chain<'_>>,
    ) -> Result<Option<Bytes>, SignatureError> {
        let Self::Chunked { signed, trailer } = self else {
            return Ok(None);
        };
        let announced = single(request.headers, "x-amz-decoded-content-length")?
            .map(|length| {
                length
                    .parse()
                    .map_err(|_| SignatureError::Body("its length is not a number"))
            })
            .transpose()?;
        chunked::decode(request.body, trailer, chain.filter(|_| signed), announced).map(Some)
    }
}

impl<'a> Payload<'a> {
    /// Applies the rules of the service and compares the digest of a whole body.
    pub(super) fn read(
        request: &Request<'a>,
        presigned: bool,
        rules: &Rules,
    ) -> Result<Self, SignatureError> {
        let named = single(request.headers, CONTENT_SHA256)?;
        let framing = Framing::named(named);
        let digest = match named {
            None if rules.s3 && presigned => UNSIGNED.into(),
            None if rules.s3 => {
                let text = format!("Missing required header for this request: {CONTENT_SHA256}");
                return Err(SignatureError::invalid(text));
            }
            None => sha256(request.body).into(),
            Some(text) if named_is_enough(text, framing, rules) => text.into(),
            Some(text) if text == sha256(request.body) => text.into(),
            Some(_) => return Err(SignatureError::Mismatch),
        };
        Ok(Self { digest, framing })
    }
}

/// Whether the header's word stands for the body. Only S3 takes bodies that nothing signs.
fn named_is_enough(text: &str, framing: Framing, rules: &Rules) -> bool {
    match framing {
        Framing::Chunked { signed, .. } => signed || rules.s3,
        Framing::Whole => text == UNSIGNED && rules.s3,
    }
}

/// Takes the framing off a body without verifying anything; `None` if it travels whole.
pub fn decode_unverified(request: &Request<'_>) -> Result<Option<Bytes>, SignatureError> {
    Framing::named(word(request.headers)).decode(request, None)
}

fn word(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_SHA256)?.to_str().ok()
}
