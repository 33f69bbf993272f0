//! Invoke. The payload passes through untouched, and nothing here looks into the store.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hearth_engine::{Invocation, Outcome};
use hearth_types::{FunctionArn, Qualifier, trace};
use hearth_wire::lambda::{InvocationType, LogType};
use hearth_wire::{Body, Context, RawRequest};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::asynchronous;
use crate::error::Error;
use crate::payload;
use crate::reference::Target;
use crate::running;
use crate::service::Service;

use crate::unsupported;

const EXECUTED_VERSION: HeaderName = HeaderName::from_static("x-amz-executed-version");
const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");
const LOG_RESULT: HeaderName = HeaderName::from_static("x-amz-log-result");
const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");

pub(crate) async fn invoke(
    service: &Service,
    ctx: &Context,
    request: RawRequest,
) -> Result<Response<Body>, Error> {
    let Accepted {
        kind,
        arn,
        qualifier,
        invocation,
    } = accept(service, ctx, request)?;
    match kind {
        InvocationType::DryRun => Ok(empty(StatusCode::NO_CONTENT)),
        InvocationType::Event => {
            asynchronous::accept(
                &service.store,
                &service.options,
                &arn,
                qualifier,
                invocation,
                ctx.received_at,
            )
            .await?;
            Ok(empty(StatusCode::ACCEPTED))
        }
        InvocationType::RequestResponse => {
            let trace = invocation.trace.clone();
            let (outcome, version) = running::run(&service.registry, &arn, &qualifier, invocation).await?;
            Ok(answer(outcome, &version, trace))
        }
    }
}

/// What to run, and with what.
pub(crate) struct Accepted {
    pub(crate) kind: InvocationType,
    /// The unqualified ARN of the function.
    pub(crate) arn: FunctionArn,
    /// The version or alias.
    pub(crate) qualifier: Qualifier,
    pub(crate) invocation: Invocation,
}

/// Checks a request to invoke a function, which must be in service.
pub(crate) fn accept(service: &Service, ctx: &Context, request: RawRequest) -> Result<Accepted, Error> {
    let kind = invocation_type(&request);
    let target = Target::resolve(
        &ctx.scope,
        request.label("FunctionName").unwrap_or_default(),
        request.query("Qualifier"),
    )?;
    unsupported::check_invocation(&request)?;
    let not_found = || Error::NotFound(target.qualified_arn());
    let qualifier = target.state().ok_or_else(not_found)?;
    let entry = service.registry.find(&target.arn).ok_or_else(not_found)?;
    let chosen = entry.choose(&qualifier, ctx.request_id.fraction());
    let (_, release) = chosen.ok_or_else(not_found)?;
    let invocation = Invocation {
        request_id: ctx.request_id,
        invoked_arn: target.qualified_arn(),
        client_context: request
            .header("x-amz-client-context")
            .map(payload::client_context)
            .transpose()?,
        trace: Some(trace::of(request.header("x-amzn-trace-id"), ctx.received_at)),
        tail: request.header("x-amz-log-type") == Some(LogType::Tail.as_str()),
        payload: payload::accept(request.body, kind)?,
    };
    release.availability.check()?;
    Ok(Accepted {
        kind,
        arn: target.arn,
        qualifier,
        invocation,
    })
}

/// The model has checked the header.
fn invocation_type(request: &RawRequest) -> InvocationType {
    let header = request.header("x-amz-invocation-type");
    let named = |kind: &&InvocationType| Some(kind.as_str()) == header;
    InvocationType::ALL
        .iter()
        .find(named)
        .copied()
        .unwrap_or(InvocationType::RequestResponse)
}

pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn answer(outcome: Outcome, version: &Qualifier, trace: Option<String>) -> Response<Body> {
    let mut response = Response::new(Body::from(outcome.payload));
    let headers = response.headers_mut();
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    say(headers, version, trace);
    if let Some(error) = outcome.error {
        headers.insert(FUNCTION_ERROR, HeaderValue::from_static(error.kind));
    }
    let tail = outcome.log_tail.map(|tail| STANDARD.encode(tail));
    headers.extend(tail.and_then(|tail| Some((LOG_RESULT, HeaderValue::try_from(tail).ok()?))));
    response
}

/// Says in an answer's headers which version ran, and under which trace.
pub(crate) fn say(headers: &mut HeaderMap, version: &Qualifier, trace: Option<String>) {
    for (name, value) in [(EXECUTED_VERSION, Some(version.to_string())), (TRACE_ID, trace)] {
        headers.extend(value.and_then(|value| Some((name, HeaderValue::try_from(value).ok()?))));
    }
}
