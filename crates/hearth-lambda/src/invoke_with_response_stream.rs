//! InvokeWithResponseStream: the response as it comes, in the messages of an event stream.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hearth_engine::{InvokeError, Outcome, ResponseStream};
use hearth_wire::lambda::{InvocationType, InvokeWithResponseStreamCompleteEvent};
use hearth_wire::{Body, Context, EVENT_STREAM, RawRequest, encode_event};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};

use crate::error::Error;
use crate::invoke::{accept, empty, say};
use crate::running;
use crate::service::Service;

pub(crate) async fn invoke_with_response_stream(
    service: &Service,
    ctx: &Context,
    request: RawRequest,
) -> Result<Response<Body>, Error> {
    let accepted = accept(service, ctx, request)?;
    if accepted.kind == InvocationType::DryRun {
        return Ok(empty(StatusCode::NO_CONTENT));
    }
    let trace = accepted.invocation.trace.clone();
    let (arn, qualifier) = (accepted.arn, accepted.qualifier);
    let running = running::stream(&service.registry, &arn, &qualifier, accepted.invocation);
    let (stream, version) = running.await?;
    let mut response = Response::new(Body::unfold(Some(stream), next_message));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    say(headers, &version, trace);
    Ok(response)
}

type State = Option<ResponseStream>;

/// The next message of the answer. Without a stream, the last one was sent.
async fn next_message(state: State) -> Result<Option<(Bytes, State)>, hearth_wire::BodyError> {
    let Some(mut stream) = state else { return Ok(None) };
    while let Some(chunk) = stream.chunk().await {
        if !chunk.is_empty() {
            let message = encode_event("PayloadChunk", "application/octet-stream", &chunk);
            return Ok(Some((message, Some(stream))));
        }
    }
    let complete = serde_json::to_vec(&complete(stream.outcome().await))?;
    let message = encode_event("InvokeComplete", "application/json", &complete);
    Ok(Some((message, None)))
}

/// How the invocation ended. Once a stream has begun, a failure is no error of the request any more.
fn complete(outcome: Result<Outcome, InvokeError>) -> InvokeWithResponseStreamCompleteEvent {
    match outcome {
        Ok(outcome) => {
            let details = String::from_utf8_lossy(&outcome.payload);
            InvokeWithResponseStreamCompleteEvent {
                error_details: outcome.error.as_ref().map(|_| details.into_owned()),
                error_code: outcome.error.map(|error| error.kind.to_owned()),
                log_result: outcome.log_tail.map(|tail| STANDARD.encode(tail)),
            }
        }
        Err(error) => InvokeWithResponseStreamCompleteEvent {
            error_code: Some("ServiceException".to_owned()),
            error_details: Some(error.to_string()),
            log_result: None,
        },
    }
}
