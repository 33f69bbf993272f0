//! StartLiveTail: an event stream of what comes to some groups.

use bytes::Bytes;
use hearth_types::Scope;
use hearth_wire::logs::{
    LiveTailSessionLogEvent, LiveTailSessionMetadata, LiveTailSessionStart, LiveTailSessionUpdate, MODEL,
    StartLiveTailRequest,
};
use hearth_wire::{AwsError, Body, BodyError, Context, EVENT_STREAM, encode_event};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use serde::Serialize;

use super::answers::{group_arn, invalid, no_group};
use super::group_reference::{identified, key};
use crate::event::Event;
use crate::follow::Wanted;
use crate::live::{Arrived, LiveTail};
use crate::page::Streams;
use crate::pattern::FilterPattern;
use crate::service::{LogService, ServiceError};

/// The content type of what a message says.
const JSON: &str = "application/json";
/// Most events in one message, as on AWS.
const MESSAGE_EVENTS: usize = 500;

pub(super) async fn run(
    service: &LogService,
    context: &Context,
    input: StartLiveTailRequest,
) -> Result<Response<Body>, AwsError> {
    let scope = &context.scope;
    let mut groups = Vec::new();
    for identifier in &input.log_group_identifiers {
        let name = identified(scope, identifier.clone()).ok_or_else(no_group)?;
        let key = key(scope, &name)?;
        service.group(&key).ok_or_else(no_group)?;
        groups.push(key);
    }
    let wanted = wanted(&input)?;
    let begun = service.live.begin(&service.logs, &groups, wanted).await;
    let tail = begun.map_err(ServiceError::from)?.ok_or_else(too_many)?;
    let start = LiveTailSessionStart {
        request_id: Some(context.request_id.to_string()),
        session_id: Some(context.request_id.to_string()),
        log_group_identifiers: Some(input.log_group_identifiers),
        log_stream_names: input.log_stream_names,
        log_stream_name_prefixes: input.log_stream_name_prefixes,
        log_event_filter_pattern: input.log_event_filter_pattern,
    };
    let mut opening = encode_event("initial-response", "application/x-amz-json-1.1", b"{}").to_vec();
    opening.extend_from_slice(&message("sessionStart", &start)?);
    let session = Session {
        scope: scope.clone(),
        tail,
        opening: Some(opening.into()),
        waiting: None,
    };
    let mut response = Response::new(Body::unfold(Box::new(session), next_message));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    Ok(response)
}

fn wanted(input: &StartLiveTailRequest) -> Result<Wanted, AwsError> {
    let pattern = FilterPattern::parse(input.log_event_filter_pattern.as_deref().unwrap_or_default())?;
    let (names, prefixes) = (&input.log_stream_names, &input.log_stream_name_prefixes);
    if names.is_some() && prefixes.is_some() {
        return Err(invalid(
            "logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.",
        ));
    }
    if (names.is_some() || prefixes.is_some()) && input.log_group_identifiers.len() > 1 {
        return Err(invalid("Log streams can be chosen of a single log group only."));
    }
    let named = names.clone().map(Streams::Named);
    let prefixed = prefixes.iter().flatten().cloned().map(Streams::Prefixed);
    Ok(Wanted {
        streams: named.into_iter().chain(prefixed).collect(),
        pattern,
    })
}

fn too_many() -> AwsError {
    AwsError::modeled(
        &MODEL,
        "LimitExceededException",
        "There are as many Live Tail sessions as there may be.",
    )
}

struct Session {
    scope: Scope,
    tail: LiveTail,
    /// What is said before anything else.
    opening: Option<Bytes>,
    /// What did not fit into a message.
    waiting: Option<Arrived>,
}

/// The next message: the opening, then updates, some of them empty.
async fn next_message(mut session: Box<Session>) -> Result<Option<(Bytes, Box<Session>)>, BodyError> {
    if let Some(opening) = session.opening.take() {
        return Ok(Some((opening, session)));
    }
    let arrived = match session.waiting.take() {
        Some(waiting) => Some(waiting),
        None => match session.tail.next().await {
            Some(arrived) => arrived,
            None => return Ok(None),
        },
    };
    let results = arrived.map_or_else(Vec::new, |Arrived { group, mut events }| {
        let later = events.split_off(events.len().min(MESSAGE_EVENTS));
        let identifier = group_arn(&session.scope, &group);
        if !later.is_empty() {
            let events = later;
            session.waiting = Some(Arrived { group, events });
        }
        events
            .into_iter()
            .map(|event| shown(event, &identifier))
            .collect()
    });
    let update = LiveTailSessionUpdate {
        // Nothing is left out: who reads slowly gets it later.
        session_metadata: Some(LiveTailSessionMetadata { sampled: Some(false) }),
        session_results: Some(results),
    };
    let message = message("sessionUpdate", &update).map_err(|error| error.message)?;
    Ok(Some((message, session)))
}

fn shown(event: Event, group: &str) -> LiveTailSessionLogEvent {
    LiveTailSessionLogEvent {
        log_stream_name: Some(event.stream),
        log_group_identifier: Some(group.to_owned()),
        timestamp: Some(event.key.timestamp_ms),
        ingestion_time: Some(event.ingestion_ms),
        message: Some(event.message),
    }
}

fn message(kind: &str, content: &impl Serialize) -> Result<Bytes, AwsError> {
    let json = serde_json::to_vec(content);
    let json =
        json.map_err(|error| AwsError::common(hearth_wire::CommonError::Internal, error.to_string()))?;
    Ok(encode_event(kind, JSON, &json))
}
