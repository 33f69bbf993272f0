//! Where a response goes: collected for a caller that wants it whole, or passed on as it comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use hearth_runtime::frames::IncomingBody;
use hearth_types::limits;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::ResponseHead;
use crate::failure::Failure;
use crate::pace::Pace;

/// Chunks that wait for a client that reads slowly. While they do, nothing more is taken from the environment.
const WAITING_CHUNKS: usize = 4;

/// The response of one invocation, as it comes in from whatever speaks with the runtime.
///
/// That first [announces](Self::announce) a stream, if the runtime streams, and then [pushes](Self::push) what
/// comes. After each push it takes no more, and grants no more, until there is [room](Self::room). The
/// [end](Self::end) of the response is not that of the invocation: a function that streams may run on. Dropped
/// without an end, the response has failed.
#[derive(Debug)]
pub(crate) struct Response {
    /// What is collected: everything, unless the caller takes a stream and the runtime gives one.
    body: IncomingBody,
    announced: bool,
    ended: bool,
    outlet: Option<Outlet>,
}

/// The way to a caller who takes a stream.
#[derive(Debug)]
struct Outlet {
    head: Option<oneshot::Sender<ResponseHead>>,
    /// None when the response has ended.
    chunks: Option<mpsc::Sender<Bytes>>,
    /// Whether the chunks ended because the response did.
    complete: Arc<AtomicBool>,
    /// A chunk that found no room.
    waiting: Option<Bytes>,
    pace: Option<Pace>,
    /// Until when no more may pass.
    pause: Option<Instant>,
    /// Bytes that may still come, and their limit.
    left: u64,
    limit: u64,
}

/// What the caller of a stream waits on.
pub(crate) struct Inlet {
    pub(crate) head: oneshot::Receiver<ResponseHead>,
    pub(crate) chunks: mpsc::Receiver<Bytes>,
    pub(crate) complete: Arc<AtomicBool>,
}

impl Response {
    /// A response for a caller that wants it whole.
    pub(crate) fn whole() -> Self {
        Self {
            body: IncomingBody::new(limits::RUNTIME_PAYLOAD),
            announced: false,
            ended: false,
            outlet: None,
        }
    }

    /// A response for a caller that takes a stream of at most `limit` bytes, after the first 6 MiB at no more than
    /// `rate` bytes per second.
    pub(crate) fn streamed(limit: u64, rate: Option<u64>) -> (Self, Inlet) {
        let (send_head, head) = oneshot::channel();
        let (send_chunks, chunks) = mpsc::channel(WAITING_CHUNKS);
        let complete = Arc::new(AtomicBool::new(false));
        let outlet = Outlet {
            head: Some(send_head),
            chunks: Some(send_chunks),
            complete: Arc::clone(&complete),
            waiting: None,
            pace: rate.map(|rate| Pace::new(rate, Instant::now())),
            pause: None,
            left: limit,
            limit,
        };
        let response = Self {
            outlet: Some(outlet),
            ..Self::whole()
        };
        let inlet = Inlet {
            head,
            chunks,
            complete,
        };
        (response, inlet)
    }

    /// The runtime streams: what it sends from now on goes to the caller as it comes, if the caller takes a stream.
    pub(crate) fn announce(&mut self, content_type: String) -> Result<(), Failure> {
        if self.announced || !self.body.is_empty() {
            return Err(Failure::Protocol("a stream was announced too late".to_owned()));
        }
        self.announced = true;
        if let Some(outlet) = &mut self.outlet {
            outlet.open(Some(content_type));
        }
        Ok(())
    }

    /// Takes the next bytes. To be called when there is [room](Self::room).
    pub(crate) fn push(&mut self, chunk: Bytes) -> Result<(), Failure> {
        if self.ended {
            return Err(Failure::Protocol("a chunk came after the end".to_owned()));
        }
        match &mut self.outlet {
            Some(outlet) if self.announced => outlet.push(chunk),
            _ => Ok(self.body.push(chunk)?),
        }
    }

    /// Whether the runtime has announced a stream.
    pub(crate) fn is_streamed(&self) -> bool {
        self.announced
    }

    /// Bytes that went on as a stream.
    pub(crate) fn streamed_bytes(&self) -> usize {
        let streamed = self
            .outlet
            .as_ref()
            .map_or(0, |outlet| outlet.limit - outlet.left);
        usize::try_from(streamed).unwrap_or(usize::MAX)
    }

    /// Whether a chunk waits for the client, or for its time; then nothing more must be pushed.
    pub(crate) fn is_full(&self) -> bool {
        self.outlet
            .as_ref()
            .is_some_and(|outlet| outlet.waiting.is_some() || outlet.pause.is_some())
    }

    /// Waits until more may be pushed. Cancelling loses nothing.
    pub(crate) async fn room(&mut self) {
        if let Some(outlet) = &mut self.outlet {
            outlet.room().await;
        }
    }

    /// The response is complete, though the function may run on. To be called when there is [room](Self::room).
    ///
    /// A caller of a stream gets a response that was not announced as one chunk.
    pub(crate) fn end(&mut self) -> Result<(), Failure> {
        if std::mem::replace(&mut self.ended, true) {
            return Err(Failure::Protocol("a response ended twice".to_owned()));
        }
        if let Some(outlet) = &mut self.outlet {
            if !self.announced {
                outlet.open(None);
                outlet.send(std::mem::take(&mut self.body).finish());
            }
            outlet.end();
        }
        Ok(())
    }

    /// Whether the response is complete.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// What was collected of a response that has [ended](Self::end): all of it for a caller that wants it whole,
    /// nothing otherwise.
    pub(crate) fn finish(self) -> Bytes {
        self.body.finish()
    }
}

impl Outlet {
    /// Tells the caller that the response begins.
    fn open(&mut self, content_type: Option<String>) {
        if let Some(head) = self.head.take() {
            // A caller that has gone away needs none.
            let _ = head.send(ResponseHead { content_type });
        }
    }

    fn push(&mut self, chunk: Bytes) -> Result<(), Failure> {
        self.left = self
            .left
            .checked_sub(chunk.len() as u64)
            .ok_or(Failure::ResponseTooLarge(self.limit))?;
        if chunk.is_empty() {
            return Ok(());
        }
        self.pause = self
            .pace
            .as_mut()
            .and_then(|pace| pace.spend(chunk.len(), Instant::now()));
        self.send(chunk);
        Ok(())
    }

    fn send(&mut self, chunk: Bytes) {
        let sent = self.chunks.as_ref().map(|chunks| chunks.try_send(chunk));
        // Where the caller has gone away, the function runs on to its end for nobody, as on AWS.
        if let Some(Err(mpsc::error::TrySendError::Full(chunk))) = sent {
            self.waiting = Some(chunk);
        }
    }

    async fn room(&mut self) {
        if let (Some(chunks), true) = (&self.chunks, self.waiting.is_some()) {
            let permit = chunks.reserve().await;
            if let (Some(chunk), Ok(permit)) = (self.waiting.take(), permit) {
                permit.send(chunk);
            }
        }
        if let Some(until) = self.pause {
            sleep_until(until).await;
            self.pause = None;
        }
    }

    fn end(&mut self) {
        self.complete.store(true, Ordering::Release);
        self.chunks = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn a_caller_that_wants_it_whole_gets_a_stream_whole() {
        let mut response = Response::whole();
        response.announce("text/plain".into()).unwrap();
        for part in ["one ", "two"] {
            response.push(chunk(part)).unwrap();
            assert!(!response.is_full());
        }
        response.end().unwrap();
        assert_eq!(response.finish(), chunk("one two"));
    }

    #[test]
    fn a_caller_of_a_stream_gets_a_whole_response_as_one_chunk() {
        let (mut response, mut inlet) = Response::streamed(10, None);
        for part in ["longer than ", "a stream may be"] {
            response.push(chunk(part)).unwrap();
        }
        assert!(inlet.head.try_recv().is_err(), "nothing has begun");
        response.end().unwrap();
        assert!(response.finish().is_empty());
        assert_eq!(
            inlet.head.try_recv().unwrap(),
            ResponseHead { content_type: None }
        );
        assert_eq!(
            inlet.chunks.try_recv().unwrap(),
            chunk("longer than a stream may be")
        );
        assert!(inlet.chunks.is_closed() && inlet.complete.load(Ordering::Acquire));
    }

    #[tokio::test]
    async fn chunks_pass_one_by_one_and_wait_for_the_client() {
        let (mut response, mut inlet) = Response::streamed(1000, None);
        response.announce("text/plain".into()).unwrap();
        let head = inlet.head.try_recv().unwrap();
        assert_eq!(head.content_type.as_deref(), Some("text/plain"));
        let mut taken = 0;
        while !response.is_full() {
            response.push(chunk("x")).unwrap();
            taken += 1;
        }
        assert_eq!(taken, WAITING_CHUNKS + 1);
        assert!(
            tokio::time::timeout(std::time::Duration::from_millis(5), response.room())
                .await
                .is_err()
        );
        inlet.chunks.recv().await.unwrap();
        response.room().await;
        assert!(!response.is_full());
        drop(response);
        let mut left = 0;
        while inlet.chunks.recv().await.is_some() {
            left += 1;
        }
        assert_eq!(left, taken - 1);
        assert!(
            !inlet.complete.load(Ordering::Acquire),
            "it has not ended, but failed"
        );
    }

    #[tokio::test]
    async fn a_client_that_goes_away_holds_nothing_up() {
        let (mut response, inlet) = Response::streamed(1000, None);
        response.announce("text/plain".into()).unwrap();
        while !response.is_full() {
            response.push(chunk("x")).unwrap();
        }
        drop(inlet);
        response.room().await;
        for _ in 0..100 {
            response.push(chunk("x")).unwrap();
            assert!(!response.is_full());
        }
        response.end().unwrap();
    }

    #[tokio::test]
    async fn a_pace_is_kept_also_when_nobody_reads() {
        let (mut response, inlet) = Response::streamed(u64::MAX, Some(100 * 1024 * 1024));
        response.announce("text/plain".into()).unwrap();
        drop(inlet);
        let begun = Instant::now();
        for _ in 0..16 {
            response.push(Bytes::from(vec![0; 1024 * 1024])).unwrap();
            response.room().await;
        }
        assert!(begun.elapsed() >= std::time::Duration::from_millis(99));
    }

    #[test]
    fn limits_and_order_are_kept() {
        let (mut response, _inlet) = Response::streamed(3, None);
        response.announce("text/plain".into()).unwrap();
        response.push(chunk("abc")).unwrap();
        assert!(matches!(
            response.push(chunk("d")),
            Err(Failure::ResponseTooLarge(3))
        ));
        assert!(matches!(
            response.announce("text/plain".into()),
            Err(Failure::Protocol(_))
        ));
        response.end().unwrap();
        assert!(matches!(response.push(chunk("d")), Err(Failure::Protocol(_))));
        assert!(matches!(response.end(), Err(Failure::Protocol(_))));

        let mut late = Response::whole();
        late.push(chunk("a")).unwrap();
        assert!(matches!(
            late.announce("text/plain".into()),
            Err(Failure::Protocol(_))
        ));
    }
}
