//! Bodies of answers: whole or streamed.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;

/// Why a streamed body ended early. The connection is closed then.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer.
#[derive(Debug)]
pub struct Body(Inner);

#[derive(Debug)]
enum Inner {
    Whole(Bytes),
    Stream(UnsyncBoxBody<Bytes, BodyError>),
}

impl Body {
    /// No bytes.
    pub const fn empty() -> Self {
        Self(Inner::Whole(Bytes::new()))
    }

    /// Bytes that come one after the other.
    pub fn stream<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BodyError>,
    {
        Self(Inner::Stream(body.map_err(Into::into).boxed_unsync()))
    }

    /// Bytes that are made one piece after the other: each call of `next` gives a piece and the state for the next
    /// call, or none at the end. After an error the connection is closed. A piece is made when the client has taken
    /// those before it.
    pub fn unfold<S, F>(state: S, next: impl FnMut(S) -> F + Send + Unpin + 'static) -> Self
    where
        S: Send + Unpin + 'static,
        F: Future<Output = Result<Option<(Bytes, S)>, BodyError>> + Send + 'static,
    {
        Self::stream(Unfold {
            state: Some(state),
            next,
            piece: None,
        })
    }
}

/// See [`Body::unfold`].
struct Unfold<S, N, F> {
    /// None while a piece is being made, and after the end.
    state: Option<S>,
    next: N,
    piece: Option<Pin<Box<F>>>,
}

impl<S, N, F> http_body::Body for Unfold<S, N, F>
where
    S: Unpin,
    N: FnMut(S) -> F + Unpin,
    F: Future<Output = Result<Option<(Bytes, S)>, BodyError>>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Some(state) = this.state.take() {
            this.piece = Some(Box::pin((this.next)(state)));
        }
        let Some(piece) = &mut this.piece else {
            return Poll::Ready(None);
        };
        let made = std::task::ready!(piece.as_mut().poll(context));
        this.piece = None;
        Poll::Ready(match made {
            Ok(Some((bytes, state))) => {
                this.state = Some(state);
                Some(Ok(Frame::data(bytes)))
            }
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        })
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self(Inner::Whole(bytes.into()))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.get_mut().0 {
            Inner::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Inner::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Inner::Stream(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Whole(bytes) => bytes.is_empty(),
            Inner::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Stream(body) => body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pieces_are_made_in_turn_up_to_the_end() {
        let body = Body::unfold(0u8, |count| async move {
            Ok((count < 3).then(|| (Bytes::from(vec![count; 2]), count + 1)))
        });
        assert_eq!(body.collect().await.unwrap().to_bytes(), &[0, 0, 1, 1, 2, 2][..]);
    }

    #[tokio::test]
    async fn an_error_ends_the_body() {
        let mut body = Body::unfold(true, |first| async move {
            match first {
                true => Ok(Some((Bytes::from_static(b"x"), false))),
                false => Err("broken".into()),
            }
        });
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "x");
        assert!(body.frame().await.unwrap().is_err());
        assert!(body.frame().await.is_none());
    }
}
