//! Reading request bodies: bounded in size, in time and, all together, in memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::model::OperationModel;
use crate::uri::parse_query;
use crate::{AwsError, CommonError};

/// The memory that larger bodies may take together, in KiB: those of requests whose sender has shown whose key he
/// signs with, those of visitors to sites, of whom nobody need know who they are, and those of functions. Each has its
/// own, so that the others find room whatever one does.
const OPERATIONS_KIB: u32 = 256 * 1024;
const VISITORS_KIB: u32 = 128 * 1024;
const INSIDE_KIB: u32 = 128 * 1024;
/// Bodies up to this size, in bytes, are not counted.
pub(super) const SMALL: u64 = 64 * 1024;
/// What every body gets to arrive, and the slowest sender that is waited for beyond that.
const PATIENCE: Duration = Duration::from_secs(30);
const SLOWEST_BYTES_PER_SECOND: u64 = 128 * 1024;
/// How long and how much of a refused body is read on, so that its sender gets to see the answer.
const DISCARD_TIME: Duration = Duration::from_secs(10);
const DISCARD_BYTES: u64 = 256 * 1024 * 1024;
/// Most pairs in a form.
const MOST_PAIRS: usize = 20_000;

/// The body of a request as it arrives.
pub trait RequestBody:
    http_body::Body<Data = Bytes, Error: std::error::Error> + Send + Unpin + 'static
{
}

impl<B> RequestBody for B where
    B: http_body::Body<Data = Bytes, Error: std::error::Error> + Send + Unpin + 'static
{
}

/// Shares out the memory for bodies of one kind of request.
pub(super) struct Memory {
    kib: u32,
    left: Arc<Semaphore>,
}

/// The memory for bodies, by who sends them.
pub(super) struct Memories {
    /// To operations, from outside.
    pub(super) operations: Memory,
    /// To sites, from outside.
    pub(super) visitors: Memory,
    /// From environments.
    pub(super) inside: Memory,
}

impl Memories {
    pub(super) fn new() -> Self {
        Self {
            operations: Memory::new(OPERATIONS_KIB),
            visitors: Memory::new(VISITORS_KIB),
            inside: Memory::new(INSIDE_KIB),
        }
    }
}

impl Memory {
    fn new(kib: u32) -> Self {
        Self {
            kib,
            left: Arc::new(Semaphore::new(kib as usize)),
        }
    }

    async fn reserve(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        if bytes <= SMALL {
            return None;
        }
        let kib = u32::try_from(bytes.div_ceil(1024))
            .unwrap_or(self.kib)
            .min(self.kib);
        // The semaphore is never closed.
        Arc::clone(&self.left).acquire_many_owned(kib).await.ok()
    }
}

/// A whole body. Its memory counts until this is dropped.
pub(super) struct Read {
    pub(super) bytes: Bytes,
    _memory: Option<OwnedSemaphorePermit>,
}

/// The body of a request: still to be read, or read already.
pub(super) struct Entity<B> {
    stream: Option<B>,
    form: Option<Read>,
}

/// Why a body was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyFailure {
    /// It has, or would have, this many bytes, which is too many.
    #[error("the body has {0} bytes")]
    TooLarge(u64),
    /// It did not arrive in time.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The connection broke, or the framing was wrong.
    #[error("the body ended early: {0}")]
    Broken(String),
}

impl<B: RequestBody> Entity<B> {
    pub(super) fn new(stream: B) -> Self {
        Self {
            stream: Some(stream),
            form: None,
        }
    }

    /// Whether the body is one of those that are counted, or may become one.
    pub(super) fn takes_memory(&self) -> bool {
        let length = self.stream.as_ref().map(|stream| stream.size_hint().upper());
        length.is_some_and(|length| length.is_none_or(|length| length > SMALL))
    }

    /// The whole body, within the operation's limit.
    pub(super) async fn read(
        &mut self,
        operation: &OperationModel,
        memory: &Memory,
    ) -> Result<Read, AwsError> {
        if let Some(read) = self.form.take() {
            return Ok(read);
        }
        let limit = operation.body_limit;
        self.collect(limit, memory)
            .await
            .map_err(|failure| refusal(failure, operation.too_large, limit))
    }

    /// The whole body, of at most `limit` bytes.
    pub(super) async fn read_within(&mut self, limit: u64, memory: &Memory) -> Result<Read, BodyFailure> {
        self.collect(limit, memory).await
    }

    /// The body as a form. It is kept for [`read`](Self::read).
    pub(super) async fn read_form(
        &mut self,
        limit: u64,
        memory: &Memory,
    ) -> Result<Vec<(String, String)>, AwsError> {
        let read = self.collect(limit, memory).await;
        let read = read.map_err(|failure| refusal(failure, OperationModel::TOO_LARGE, limit))?;
        let form = std::str::from_utf8(&read.bytes)
            .ok()
            .filter(|form| form.matches('&').count() < MOST_PAIRS);
        let form = form.ok_or_else(|| {
            AwsError::common(
                CommonError::Serialization,
                "The form is not UTF-8 or has too many parameters.",
            )
        })?;
        let pairs = parse_query(form)?;
        self.form = Some(read);
        Ok(pairs)
    }

    /// Reads and drops the rest of a body that was refused, in the background and within bounds.
    /// A client that is still sending would otherwise see its connection break, and no answer. One
    /// that waits to be told to send (`Expect: 100-continue`) is not told.
    pub(super) fn discard(self, headers: &HeaderMap) {
        let waiting = headers.contains_key(header::EXPECT);
        let Some(mut stream) = self.stream.filter(|stream| !waiting && !stream.is_end_stream()) else {
            return;
        };
        tokio::spawn(timeout(DISCARD_TIME, async move {
            let mut discarded = 0;
            while let Some(Ok(frame)) = stream.frame().await
                && discarded < DISCARD_BYTES
            {
                discarded += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
        }));
    }

    async fn collect(&mut self, limit: u64, memory: &Memory) -> Result<Read, BodyFailure> {
        let Some(stream) = &mut self.stream else {
            return Err(BodyFailure::Broken("read twice".into()));
        };
        let declared = stream.size_hint().upper();
        if let Some(length) = declared.filter(|length| *length > limit) {
            return Err(BodyFailure::TooLarge(length));
        }
        let expected = declared.unwrap_or(limit);
        let patience = PATIENCE + Duration::from_secs(expected / SLOWEST_BYTES_PER_SECOND);
        let collected = timeout(patience, async {
            let memory = memory.reserve(expected).await;
            Ok(Read {
                bytes: gather(stream, declared, limit).await?,
                _memory: memory,
            })
        });
        let collected = collected.await.unwrap_or(Err(BodyFailure::TooSlow));
        if !matches!(collected, Err(BodyFailure::TooLarge(_))) {
            self.stream = None;
        }
        collected
    }
}

/// Puts the pieces of a body together. One that came in one piece is not copied.
async fn gather<B: RequestBody>(
    stream: &mut B,
    declared: Option<u64>,
    limit: u64,
) -> Result<Bytes, BodyFailure> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = stream.frame().await {
        let frame = frame.map_err(|error| BodyFailure::Broken(error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        let length = (first.len() + all.len() + data.len()) as u64;
        if length > limit {
            return Err(BodyFailure::TooLarge(length));
        }
        if first.is_empty() && all.is_empty() {
            first = data;
            continue;
        }
        if all.is_empty() {
            all.reserve(declared.unwrap_or(length).min(limit) as usize);
            all.extend_from_slice(&std::mem::take(&mut first));
        }
        all.extend_from_slice(&data);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

fn refusal(failure: BodyFailure, too_large: &str, limit: u64) -> AwsError {
    match failure {
        BodyFailure::TooLarge(length) => {
            let message = too_large
                .replace("{length}", &length.to_string())
                .replace("{limit}", &limit.to_string());
            AwsError::common(CommonError::RequestTooLarge, message)
        }
        BodyFailure::TooSlow => AwsError::common(
            CommonError::RequestTimeout,
            "The request body did not arrive in time.",
        ),
        BodyFailure::Broken(why) => AwsError::common(
            CommonError::Serialization,
            format!("The request body ended early: {why}"),
        ),
    }
}

#[cfg(test)]
#[path = "../../tests/support/silent.rs"]
mod silent;

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::silent::Silent;
    use super::*;

    static OPERATION: OperationModel =
        OperationModel::new("O", "POST", "/").body_limit(1 << 30, OperationModel::TOO_LARGE);

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let mut entity = Entity::new(Silent(1));
        let error = entity
            .read(&OPERATION, &Memory::new(OPERATIONS_KIB))
            .await
            .err()
            .unwrap();
        assert_eq!(error.status, 408);
    }

    #[tokio::test]
    async fn a_body_in_one_piece_is_not_copied() {
        let sent = Bytes::from(vec![1; 100_000]);
        let mut entity = Entity::new(Full::new(sent.clone()));
        let read = entity
            .read(&OPERATION, &Memory::new(OPERATIONS_KIB))
            .await
            .unwrap();
        assert_eq!(read.bytes.as_ptr(), sent.as_ptr());
    }

    #[tokio::test(start_paused = true)]
    async fn large_bodies_share_their_memory_and_small_ones_need_none() {
        let memory = Memory::new(OPERATIONS_KIB);
        let mut first = Entity::new(Full::new(Bytes::from(vec![0; 1 << 20])));
        let first = first.read(&OPERATION, &memory).await.unwrap();
        let mut rest = Entity::new(Silent(256 << 20));
        let waited = rest.read(&OPERATION, &memory);
        assert!(timeout(Duration::from_secs(1), waited).await.is_err());
        let mut small = Entity::new(Full::new(Bytes::from_static(b"{}")));
        assert!(small.read(&OPERATION, &memory).await.is_ok());
        drop(first);
        assert!(memory.reserve(256 << 20).await.is_some());
    }
}
