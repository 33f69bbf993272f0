//! A response on its way to its caller while the function still runs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::response::Inlet;
use crate::{InvokeError, Outcome};

/// What is known of a response when its first byte comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseHead {
    /// The content type that a streaming runtime announced, fit for a header; none where the response is not
    /// streamed, but comes whole, as one chunk.
    pub content_type: Option<String>,
}

impl ResponseHead {
    /// The content type of a response that begins with status and headers for a function URL: JSON, then eight zero
    /// bytes (source: AWS's Node.js runtime).
    pub const HTTP_INTEGRATION: &str = "application/vnd.awslambda.http-integration-response";

    /// Whether the response begins with status and headers for a function URL.
    pub fn has_prelude(&self) -> bool {
        self.content_type.as_deref() == Some(Self::HTTP_INTEGRATION)
    }
}

/// A response as it comes: a head, then chunks, then the outcome. The chunks may end long before the invocation does.
///
/// The chunks that nobody takes hold the function up, and it alone. Dropping the stream lets it run on to its end for
/// nobody, as on AWS.
pub struct ResponseStream {
    head: ResponseHead,
    chunks: mpsc::Receiver<Bytes>,
    complete: Arc<AtomicBool>,
    outcome: Ending,
}

type Ending = Pin<Box<dyn Future<Output = Result<Outcome, InvokeError>> + Send>>;

impl ResponseStream {
    /// Waits until the response begins, or the invocation ends without one.
    pub(crate) async fn open<F>(inlet: Inlet, run: F) -> Result<Self, InvokeError>
    where
        F: Future<Output = Result<Outcome, InvokeError>> + Send + 'static,
    {
        let (head, outcome): (_, Ending) = match inlet.head.await {
            Ok(head) => (head, Box::pin(run)),
            Err(_) => {
                let outcome = run.await?;
                (ResponseHead::default(), Box::pin(async { Ok(outcome) }))
            }
        };
        Ok(Self {
            head,
            chunks: inlet.chunks,
            complete: inlet.complete,
            outcome,
        })
    }

    /// A stream that is complete already. For stand-ins of the engine.
    pub fn complete(head: ResponseHead, chunks: Vec<Bytes>, outcome: Outcome) -> Self {
        let (send, receive) = mpsc::channel(chunks.len().max(1));
        for chunk in chunks {
            let _ = send.try_send(chunk);
        }
        Self {
            head,
            chunks: receive,
            complete: Arc::new(AtomicBool::new(outcome.error.is_none())),
            outcome: Box::pin(async { Ok(outcome) }),
        }
    }

    /// What is known before the first chunk.
    pub fn head(&self) -> &ResponseHead {
        &self.head
    }

    /// The next chunk; none when the last one was taken. Only a response that is not streamed may give an empty one.
    /// Cancelling loses nothing.
    pub async fn chunk(&mut self) -> Option<Bytes> {
        self.chunks.recv().await
    }

    /// Whether the response is complete: to be asked when [`Self::chunk`] gave none. Otherwise the invocation has failed,
    /// and [`Self::outcome`] tells how.
    pub fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    /// Waits for the end of the invocation: how it ended, with the error document as its payload if it failed, before
    /// its first chunk or after some. An error is a failure of the platform's own. Chunks that were not taken are
    /// discarded.
    pub async fn outcome(self) -> Result<Outcome, InvokeError> {
        drop(self.chunks);
        self.outcome.await
    }
}

impl std::fmt::Debug for ResponseStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseStream")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}
