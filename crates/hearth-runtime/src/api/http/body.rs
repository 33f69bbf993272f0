//! Reading what was posted.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;
use hyper::{HeaderMap, Request};

/// What is still read of a body that is too large, so that its sender gets to the answer: beyond it the connection is
/// closed.
const READ_ON: usize = 64 << 20;

/// Why a body cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    TooLarge,
    Truncated,
}

/// A part of a body.
pub(super) enum Part {
    Data(Bytes),
    Trailers(HeaderMap),
}

/// The next part; none at the end.
pub(super) async fn part<B>(body: &mut B) -> Result<Option<Part>, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    match body.frame().await {
        None => Ok(None),
        Some(Err(_)) => Err(BodyError::Truncated),
        Some(Ok(frame)) => match frame.into_data() {
            Ok(data) => Ok(Some(Part::Data(data))),
            Err(frame) => Ok(frame.into_trailers().ok().map(Part::Trailers)),
        },
    }
}

/// Reads a whole body of at most `limit` bytes.
pub(super) async fn whole<B>(body: &mut B, limit: usize) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut whole = BytesMut::new();
    while let Some(part) = part(body).await? {
        let Part::Data(data) = part else { continue };
        if whole.len() + data.len() > limit {
            read_on(body).await?;
            return Err(BodyError::TooLarge);
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

async fn read_on<B>(body: &mut B) -> Result<(), BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut read = 0;
    while let Some(part) = part(body).await? {
        if let Part::Data(data) = part {
            read += data.len();
        }
        if read > READ_ON {
            break;
        }
    }
    Ok(())
}

/// A header's text, where it is one.
pub(super) fn header<'a, B>(request: &'a Request<B>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}
