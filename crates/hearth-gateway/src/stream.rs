//! From a response that comes in pieces to one that is sent as it comes.

use bytes::{Bytes, BytesMut};
use hearth_engine::ResponseStream;
use hearth_wire::{Body, BodyError};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};

use crate::head::{Head, Malformed, Members};
use crate::refusal;

/// What stands between status and headers and the body.
const SEPARATOR: [u8; 8] = [0; 8];
/// The most bytes of status and headers.
const LARGEST_PRELUDE: usize = 64 * 1024;

/// The function failed after the response had begun; the connection is closed, so that the client knows.
#[derive(Debug, thiserror::Error)]
#[error("the function failed after its response had begun")]
struct Failed;

/// A response under way: what was taken from the stream and not sent yet, and the stream.
struct Rest {
    first: Bytes,
    stream: ResponseStream,
}

/// The response that a stream is. Waits for its first piece, or for status and headers if it begins with them.
pub(crate) async fn respond(mut stream: ResponseStream) -> Response<Body> {
    let content_type = stream.head().content_type.clone();
    if stream.head().has_prelude() {
        return match prelude(&mut stream).await {
            Ok((Head { status, headers }, first)) => {
                let mut response = Response::new(body(first, stream));
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                let octets = HeaderValue::from_static("application/octet-stream");
                response.headers_mut().entry(CONTENT_TYPE).or_insert(octets);
                response
            }
            Err(malformed) => {
                tracing::debug!(%malformed, "a function's stream is no response");
                refusal::bad_gateway()
            }
        };
    }
    let Some(first) = stream.chunk().await else {
        if !stream.is_complete() {
            return refusal::bad_gateway();
        }
        return typed(content_type, Body::empty());
    };
    typed(content_type, body(first, stream))
}

fn typed(content_type: Option<String>, body: Body) -> Response<Body> {
    let content_type = content_type.and_then(|text| HeaderValue::try_from(text).ok());
    let mut response = Response::new(body);
    response.headers_mut().insert(
        CONTENT_TYPE,
        content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")),
    );
    response
}

/// Reads status and headers, and what came of the body in the same piece.
async fn prelude(stream: &mut ResponseStream) -> Result<(Head, Bytes), Malformed> {
    let mut read = BytesMut::new();
    while let Some(chunk) = stream.chunk().await {
        // The separator may be spread over two pieces.
        let from = read.len().saturating_sub(SEPARATOR.len() - 1);
        read.extend_from_slice(&chunk);
        if let Some(at) = read[from..]
            .windows(SEPARATOR.len())
            .position(|window| window == SEPARATOR)
        {
            let body = read.split_off(from + at + SEPARATOR.len()).freeze();
            let members: Members<'_> =
                serde_json::from_slice(&read[..from + at]).map_err(|_| Malformed::Prelude)?;
            return Ok((members.head()?, body));
        }
        if read.len() > LARGEST_PRELUDE {
            break;
        }
    }
    Err(Malformed::Prelude)
}

fn body(first: Bytes, stream: ResponseStream) -> Body {
    Body::unfold(Some(Rest { first, stream }), next)
}

/// The next piece of a body.
async fn next(rest: Option<Rest>) -> Result<Option<(Bytes, Option<Rest>)>, BodyError> {
    let Some(Rest { first, mut stream }) = rest else {
        return Ok(None);
    };
    if !first.is_empty() {
        let rest = Rest {
            first: Bytes::new(),
            stream,
        };
        return Ok(Some((first, Some(rest))));
    }
    while let Some(chunk) = stream.chunk().await {
        if !chunk.is_empty() {
            let rest = Rest {
                first: Bytes::new(),
                stream,
            };
            return Ok(Some((chunk, Some(rest))));
        }
    }
    if stream.is_complete() {
        return Ok(None);
    }
    // The connection is written to whenever nothing more is ready; without that, what was ready before would be lost.
    tokio::task::yield_now().await;
    Err(Failed.into())
}
