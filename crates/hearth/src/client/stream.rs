//! InvokeWithResponseStream: a response as it comes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hearth_wire::lambda::InvokeWithResponseStreamCompleteEvent;
use hearth_wire::{EventDecoder, EventMessage};
use http::{Method, Response};
use hyper::body::Incoming;

use super::lambda::{encode, header, qualified};
use super::{Call, Client, ClientError};
use crate::failure::Failure;

/// How a streamed invocation ended.
pub(crate) struct Streamed {
    pub(crate) request_id: String,
    /// `Unhandled`, if the function failed, and the error document.
    pub(crate) error: Option<(String, String)>,
    /// The end of the log.
    pub(crate) tail: Option<Vec<u8>>,
}

impl Client {
    /// Invokes a function and hands over each chunk of its response when it comes.
    pub(crate) async fn stream(
        &self,
        function: &str,
        qualifier: Option<&str>,
        payload: Bytes,
        tail: bool,
        on_chunk: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<Streamed, Failure> {
        let function = encode(function);
        let target = format!("/2021-11-15/functions/{function}/response-streaming-invocations");
        let target = qualified(&target, qualifier);
        let headers = match tail {
            true => vec![header("x-amz-log-type", "Tail")],
            false => Vec::new(),
        };
        let request = self.sign(Call {
            service: "lambda",
            method: Method::POST,
            target,
            headers,
            body: payload,
        })?;
        self.endpoint
            .converse(request, async |response| {
                self.read_stream(response, on_chunk).await
            })
            .await
    }

    async fn read_stream(
        &self,
        response: Response<Incoming>,
        mut on_chunk: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<Streamed, Failure> {
        if !response.status().is_success() {
            let (parts, body) = self.endpoint.collect(response).await?.into_parts();
            return Err(ClientError::answered(parts.status, &parts.headers, &body).into());
        }
        let (parts, mut body) = response.into_parts();
        let id = parts.headers.get("x-amzn-requestid");
        let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
        let mut decoder = EventDecoder::new();
        while let Some(piece) = self.endpoint.piece(&mut body).await? {
            decoder.push(&piece);
            while let Some(message) = decoder.next_message().map_err(unexpected)? {
                match message.name.as_str() {
                    "PayloadChunk" => on_chunk(&message.payload)?,
                    "InvokeComplete" => return Ok(Streamed::read(id, &message)?),
                    other => return Err(unexpected(format!("a message of type {other:?}")).into()),
                }
            }
        }
        Err(unexpected("the response ended without an end").into())
    }
}

impl Streamed {
    fn read(request_id: String, message: &EventMessage) -> Result<Self, ClientError> {
        let complete: InvokeWithResponseStreamCompleteEvent =
            serde_json::from_slice(&message.payload).map_err(unexpected)?;
        let details = complete.error_details.unwrap_or_default();
        Ok(Self {
            request_id,
            error: complete.error_code.map(|code| (code, details)),
            tail: complete.log_result.and_then(|tail| STANDARD.decode(tail).ok()),
        })
    }
}

fn unexpected(what: impl std::fmt::Display) -> ClientError {
    ClientError::Unexpected(what.to_string())
}
