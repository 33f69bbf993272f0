//! The Runtime API's endpoints.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hearth_types::limits;
use hyper::body::Body;
use hyper::{HeaderMap, Request};
use tokio::sync::mpsc;

use super::answer::Answer;
use super::body::{self, BodyError, Part, header};
use crate::api::{ApiError, Reply, ReportedError, RuntimeApi};

const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";
/// What a response is if its runtime does not say.
const UNTYPED: &str = "application/octet-stream";

impl RuntimeApi {
    /// GET runtime/invocation/next.
    pub(super) async fn next(&self) -> Result<Answer, ApiError> {
        self.change(|machine| machine.runtime_next())?;
        let invocation = self.until(|machine| machine.take_invocation()).await;
        Ok(Answer::json(200, invocation.payload.clone()).with(invocation.headers()))
    }

    /// POST runtime/invocation/{id}/response.
    pub(super) async fn response<B>(&self, id: &str, mut request: Request<B>) -> Result<Answer, ApiError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        self.change(|machine| machine.begin_response(id))?;
        let mut answering = Answering::begin(self);
        let streams = match request.headers().get(RESPONSE_MODE).map(|mode| mode.as_bytes()) {
            None | Some(b"") => false,
            Some(b"streaming") => true,
            Some(_) => {
                let error = ReportedError::new(Some("Runtime.InvalidResponseModeHeader"), Bytes::new());
                answering.send(Reply::Failed(error)).await;
                return Err(ApiError::invalid_response_mode());
            }
        };
        if streams {
            let content_type = header(&request, "content-type").unwrap_or(UNTYPED).to_owned();
            answering.send(Reply::Streams { content_type }).await;
            return answering.stream(request.body_mut()).await;
        }
        match body::whole(request.body_mut(), limits::RUNTIME_PAYLOAD).await {
            Ok(whole) => {
                answering.send(Reply::Chunk(whole)).await;
                answering.send(Reply::End).await;
                Ok(Answer::accepted())
            }
            Err(error) => answering.fail(error).await,
        }
    }

    /// POST runtime/invocation/{id}/error.
    pub(super) async fn error<B>(&self, id: &str, mut request: Request<B>) -> Result<Answer, ApiError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        self.change(|machine| machine.begin_error(id))?;
        let mut answering = Answering::begin(self);
        match reported(&mut request).await {
            Ok(error) => {
                answering.send(Reply::Failed(error)).await;
                Ok(Answer::accepted())
            }
            Err(error) => answering.fail(error).await,
        }
    }

    /// POST runtime/init/error.
    pub(super) async fn init_error<B>(&self, mut request: Request<B>) -> Result<Answer, ApiError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let _turn = self.turn_to_report().await;
        let error = reported(&mut request).await.map_err(refusal)?;
        self.change(|machine| machine.runtime_init_error(error))?;
        Ok(Answer::accepted())
    }
}

/// An answer on its way to the engine. Dropping it ends the answer in the machine, however it came to that.
struct Answering<'a> {
    api: &'a RuntimeApi,
    replies: Option<mpsc::Sender<Reply>>,
    complete: bool,
}

impl<'a> Answering<'a> {
    fn begin(api: &'a RuntimeApi) -> Self {
        Self {
            api,
            replies: api.take_replies(),
            complete: false,
        }
    }

    /// Passes a part on when there is room for it. An engine that has given the answer up takes nothing.
    async fn send(&mut self, reply: Reply) {
        self.complete |= !matches!(reply, Reply::Streams { .. } | Reply::Chunk(_));
        if let Some(replies) = &self.replies {
            let _ = replies.send(reply).await;
        }
    }

    async fn stream<B>(&mut self, body: &mut B) -> Result<Answer, ApiError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        loop {
            match body::part(body).await {
                Ok(Some(Part::Data(data))) if data.is_empty() => {}
                Ok(Some(Part::Data(data))) => self.send(Reply::Chunk(data)).await,
                Ok(Some(Part::Trailers(trailers))) => {
                    if let Some(error) = trailing_error(&trailers) {
                        self.send(Reply::Failed(error)).await;
                        return Ok(Answer::accepted());
                    }
                }
                Ok(None) => {
                    self.send(Reply::End).await;
                    return Ok(Answer::accepted());
                }
                Err(error) => return self.fail(error).await,
            }
        }
    }

    async fn fail(&mut self, error: BodyError) -> Result<Answer, ApiError> {
        let reply = match error {
            BodyError::TooLarge => Reply::TooLarge,
            BodyError::Truncated => Reply::Truncated,
        };
        self.send(reply).await;
        Err(refusal(error))
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        if !self.complete
            && let Some(replies) = &self.replies
        {
            // The connection broke: where there is no room, the channel's end says the same.
            let _ = replies.try_send(Reply::Truncated);
        }
        // It is under way, so this is allowed.
        let _ = self.api.change(|machine| machine.end_answer());
    }
}

async fn reported<B>(request: &mut Request<B>) -> Result<ReportedError, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let document = body::whole(request.body_mut(), limits::RUNTIME_PAYLOAD).await?;
    Ok(ReportedError::new(header(request, ERROR_TYPE), document))
}

/// The failure that trailers report in the middle of a stream; its document is in base64.
fn trailing_error(trailers: &HeaderMap) -> Option<ReportedError> {
    let text = |name| trailers.get(name).and_then(|value| value.to_str().ok());
    let kind = text(ERROR_TYPE)?;
    let document = text(ERROR_BODY).map(|encoded| BASE64_STANDARD.decode(encoded));
    let document = document.and_then(Result::ok).unwrap_or_default();
    Some(ReportedError::new(Some(kind), document.into()))
}

fn refusal(error: BodyError) -> ApiError {
    match error {
        BodyError::TooLarge => ApiError::too_large(),
        BodyError::Truncated => ApiError::truncated(),
    }
}
