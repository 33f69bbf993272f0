//! The URLs of functions: who may come in, and the way to the function and back.

use std::sync::Arc;

use bytes::Bytes;
use hearth_engine::Invocation;
use hearth_lambda::FunctionUrl;
use hearth_types::trace;
use hearth_wire::lambda::{FunctionUrlAuthType, InvokeMode};
use hearth_wire::{
    Authenticated, AwsError, Body, BodyFailure, CommonError, Reception, SignedRequest, Site, Visit,
    off_the_worker,
};
use http::request::Parts;
use http::{Response, header};

use crate::address::Address;
use crate::event::{Request, event};
use crate::refusal::{self, BODY_LIMIT};
use crate::{Functions, cors, response, stream};

/// Answers for the URLs of functions.
pub struct FunctionUrls<F> {
    functions: F,
}

impl<F: Functions> FunctionUrls<F> {
    /// The URLs of these functions.
    pub fn new(functions: F) -> Self {
        Self { functions }
    }

    /// The URL of an address. One that is asked for in another region is not there.
    fn find(&self, address: &Address<'_>) -> Option<Arc<FunctionUrl>> {
        let url = self.functions.find(&address.id)?;
        let region = address.region.as_deref();
        region
            .is_none_or(|region| region == url.scope.region.as_str())
            .then_some(url)
    }

    async fn invoke(&self, visit: &Visit<'_>, body: Bytes) -> Response<Body> {
        let found = Address::of(&visit.head).and_then(|address| Some((self.find(&address)?, address)));
        let Some((url, address)) = found else {
            return refusal::forbidden();
        };
        let signed = match authenticate(&url, visit, &body) {
            Ok(signed) => signed,
            Err(error) => return refusal::error(error),
        };
        let caller = signed.as_ref().map(|signed| &*signed.caller);
        if !self.functions.admits(&url, caller) {
            return refusal::forbidden();
        }
        let body = signed
            .as_ref()
            .and_then(|signed| signed.body.clone())
            .unwrap_or(body);
        let sent = visit
            .head
            .headers
            .get("x-amzn-trace-id")
            .and_then(|trace| trace.to_str().ok());
        let trace = trace::of(sent, visit.received_at);
        let request = Request {
            visit,
            address: &address,
            body: &body,
            trace: &trace,
            caller,
        };
        let payload = off_the_worker(body.len(), || event(&request));
        let invocation = Invocation {
            request_id: visit.request_id,
            payload,
            invoked_arn: url.arn().to_string(),
            client_context: None,
            trace: Some(trace),
            tail: false,
        };
        let mut response = match url.invoke_mode {
            InvokeMode::Buffered => self.whole(Arc::clone(&url), invocation).await,
            InvokeMode::ResponseStream => self.streamed(Arc::clone(&url), invocation).await,
        };
        cors::apply(url.cors.as_ref(), &visit.head.headers, response.headers_mut());
        response
    }

    async fn whole(&self, url: Arc<FunctionUrl>, invocation: Invocation) -> Response<Body> {
        let outcome = match self.functions.invoke(url, invocation).await {
            Ok(outcome) if outcome.error.is_none() => outcome,
            Ok(_) => return refusal::bad_gateway(),
            Err(error) => return refusal::error(error),
        };
        let payload = outcome.payload;
        off_the_worker(payload.len(), || response::interpret(&payload)).unwrap_or_else(|malformed| {
            tracing::debug!(%malformed, "what a function returned is no response");
            refusal::bad_gateway()
        })
    }

    async fn streamed(&self, url: Arc<FunctionUrl>, invocation: Invocation) -> Response<Body> {
        match self.functions.invoke_streaming(url, invocation).await {
            Ok(stream) => stream::respond(stream).await,
            Err(error) => refusal::error(error),
        }
    }
}

impl<F: Functions> Site for FunctionUrls<F> {
    fn claims(&self, head: &Parts) -> bool {
        Address::of(head).is_some()
    }

    fn receive(&self, visit: &Visit<'_>) -> Option<Response<Body>> {
        let url = Address::of(&visit.head).and_then(|address| self.find(&address));
        let Some(url) = url else {
            return Some(refusal::forbidden());
        };
        if let Some(answer) = cors::preflight(url.cors.as_ref(), &visit.head) {
            return Some(answer);
        }
        match url.auth_type {
            FunctionUrlAuthType::None => (!self.functions.admits(&url, None)).then(refusal::forbidden),
            FunctionUrlAuthType::AwsIam if !is_signed(&visit.head) => Some(refusal::forbidden()),
            FunctionUrlAuthType::AwsIam => {
                let unread = Bytes::new();
                let request = signed_request(visit, &unread);
                visit.authenticator.admit(&request).err().map(refusal::error)
            }
        }
    }

    fn body_limit(&self) -> u64 {
        BODY_LIMIT
    }

    fn answer<'a>(&'a self, visit: Visit<'a>, body: Result<Bytes, BodyFailure>) -> Reception<'a> {
        Box::pin(async move {
            match body {
                Ok(body) => self.invoke(&visit, body).await,
                Err(failure) => refusal::unread(&failure),
            }
        })
    }
}

/// Finds out who sends a request, if the URL wants to know. A URL is in one region, and signatures are for that one.
fn authenticate(
    url: &FunctionUrl,
    visit: &Visit<'_>,
    body: &Bytes,
) -> Result<Option<Authenticated>, AwsError> {
    match url.auth_type {
        FunctionUrlAuthType::None => Ok(None),
        FunctionUrlAuthType::AwsIam => {
            let request = signed_request(visit, body);
            let signed = off_the_worker(body.len(), || visit.authenticator.authenticate(&request))?;
            let region = &signed.scope.region;
            if *region == url.scope.region {
                return Ok(Some(signed));
            }
            let message = format!("Credential should be scoped to a valid region, not '{region}'.");
            Err(AwsError::common(CommonError::InvalidSignature, message))
        }
    }
}

/// Whether a request says who sends it; a development server would believe one that does not.
fn is_signed(head: &Parts) -> bool {
    let query = head.uri.query().unwrap_or_default();
    let has_authorization = head
        .headers
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value.as_bytes().starts_with(b"AWS4-"));
    has_authorization || query.split('&').any(|pair| pair.starts_with("X-Amz-Credential="))
}

fn signed_request<'a>(visit: &'a Visit<'_>, body: &'a Bytes) -> SignedRequest<'a> {
    SignedRequest {
        method: &visit.head.method,
        uri: &visit.head.uri,
        headers: &visit.head.headers,
        body,
        now: visit.received_at,
        service: "lambda",
        operation: "InvokeFunctionUrl",
    }
}
