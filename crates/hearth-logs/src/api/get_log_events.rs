//! GetLogEvents: events of one stream, forwards or backwards.

use hearth_types::Scope;
use hearth_wire::AwsError;
use hearth_wire::logs::{GetLogEventsRequest, GetLogEventsResponse, OutputLogEvent};

use super::answers::{no_stream, page_size};
use super::group_reference::{group_name, key};
use super::token::Token;
use crate::event::{Event, EventKey};
use crate::page::{Order, PAGE_EVENTS, Page, Query, Streams};
use crate::service::LogService;

/// Answers with a page, oldest event first whichever way it was read, and with the tokens for both
/// directions; at an end, the token is the one that led there.
pub(super) async fn run(
    service: &LogService,
    scope: &Scope,
    input: GetLogEventsRequest,
) -> Result<GetLogEventsResponse, AwsError> {
    let group = group_name(scope, input.log_group_name, input.log_group_identifier)?;
    let stream = input.log_stream_name;
    let mut query = Query {
        streams: Streams::Named(vec![stream.clone()]),
        from: EventKey::at(input.start_time.unwrap_or(0)),
        to: input.end_time.map_or(EventKey::LAST, EventKey::at),
        order: if input.start_from_head == Some(true) {
            Order::Forward
        } else {
            Order::Backward
        },
        limit: page_size(input.limit, PAGE_EVENTS),
        ..Query::default()
    };
    let token = input.next_token.as_deref().map(str::parse::<Token>).transpose()?;
    if let Some(token) = token {
        token.narrow(&mut query);
    }
    let (order, from) = (query.order, query.from);
    let mut page = service.events(scope, &group, query).await?;
    if page.events.is_empty() {
        check_stream(service, scope, &group, &stream).await?;
    }
    if order == Order::Backward {
        page.events.reverse();
    }
    let (before, after) = ends(&page, token, from);
    Ok(GetLogEventsResponse {
        events: Some(page.events.into_iter().map(output).collect()),
        next_forward_token: Some(Token::Forward(after).to_string()),
        next_backward_token: Some(Token::Backward(before).to_string()),
    })
}

async fn check_stream(
    service: &LogService,
    scope: &Scope,
    group: &str,
    stream: &str,
) -> Result<(), AwsError> {
    if service.has_stream(&key(scope, group)?, stream).await? {
        Ok(())
    } else {
        Err(no_stream())
    }
}

/// Where the page begins and where it ends; an empty one does both where it was asked to begin.
fn ends(page: &Page, token: Option<Token>, from: EventKey) -> (EventKey, EventKey) {
    if let (Some(first), Some(last)) = (page.events.first(), page.events.last()) {
        return (first.key, last.key.next());
    }
    match token {
        Some(Token::Forward(key) | Token::Backward(key)) => (key, key),
        None => (from, from),
    }
}

fn output(event: Event) -> OutputLogEvent {
    OutputLogEvent {
        timestamp: Some(event.key.timestamp_ms),
        ingestion_time: Some(event.ingestion_ms),
        message: Some(event.message),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{GROUP, Logs, refusal, times};
    use super::*;
    use crate::group_key::test_scope;

    async fn ask(logs: &Logs, input: GetLogEventsRequest) -> Result<(Vec<i64>, String, String), AwsError> {
        let (group, stream) = (Some(GROUP.to_owned()), "s".to_owned());
        let input = GetLogEventsRequest {
            log_group_name: group,
            log_stream_name: stream,
            ..input
        };
        let answer = run(&logs.service, &test_scope(), input).await?;
        Ok((
            times(answer.events, |event| event.timestamp),
            answer.next_backward_token.unwrap(),
            answer.next_forward_token.unwrap(),
        ))
    }

    async fn go_on(logs: &Logs, token: &str) -> (Vec<i64>, String, String) {
        let (next_token, limit) = (Some(token.to_owned()), Some(4));
        ask(
            logs,
            GetLogEventsRequest {
                next_token,
                limit,
                ..Default::default()
            },
        )
        .await
        .unwrap()
    }

    #[tokio::test]
    async fn a_stream_is_read_back_and_forth() {
        let logs = Logs::new().await;
        logs.append(GROUP, "s", 0..10).await;
        logs.append(GROUP, "other", 0..10).await;
        let latest = GetLogEventsRequest {
            limit: Some(4),
            ..Default::default()
        };
        let (times, back, forth) = ask(&logs, latest).await.unwrap();
        assert_eq!(times, [6, 7, 8, 9]);
        assert_eq!(
            go_on(&logs, &forth).await,
            (vec![], forth.replace("f/", "b/"), forth.clone())
        );

        let (times, back, again) = go_on(&logs, &back).await;
        assert_eq!(times, [2, 3, 4, 5]);
        assert_eq!(go_on(&logs, &again).await.0, [6, 7, 8, 9]);
        let (times, back, _) = go_on(&logs, &back).await;
        assert_eq!(times, [0, 1]);
        let (times, same, _) = go_on(&logs, &back).await;
        assert_eq!((times, same), (vec![], back));

        logs.append(GROUP, "s", [10]).await;
        assert_eq!(go_on(&logs, &forth).await.0, [10]);
    }

    #[tokio::test]
    async fn the_end_of_the_time_range_is_not_part_of_it() {
        let logs = Logs::new().await;
        logs.append(GROUP, "s", 0..10).await;
        let (start_time, end_time, start_from_head) = (Some(3), Some(5), Some(true));
        let input = GetLogEventsRequest {
            start_time,
            end_time,
            start_from_head,
            ..Default::default()
        };
        assert_eq!(ask(&logs, input).await.unwrap().0, [3, 4]);
    }

    #[tokio::test]
    async fn an_empty_first_page_can_be_followed() {
        let logs = Logs::new().await;
        logs.append(GROUP, "s", [1]).await;
        let start_time = Some(100);
        let (times, _, forth) = ask(
            &logs,
            GetLogEventsRequest {
                start_time,
                ..Default::default()
            },
        )
        .await
        .unwrap();
        assert_eq!(times, [0; 0]);
        logs.append(GROUP, "s", [200]).await;
        assert_eq!(go_on(&logs, &forth).await.0, [200]);
    }

    #[tokio::test]
    async fn a_stream_that_is_not_there_is_not_an_empty_one() {
        let logs = Logs::new().await;
        let missing = refusal(ask(&logs, GetLogEventsRequest::default()).await);
        assert_eq!(
            missing,
            (
                "ResourceNotFoundException".into(),
                "The specified log group does not exist.".into()
            )
        );
        logs.append(GROUP, "other", [1]).await;
        let missing = refusal(ask(&logs, GetLogEventsRequest::default()).await);
        assert_eq!(
            missing,
            (
                "ResourceNotFoundException".into(),
                "The specified log stream does not exist.".into()
            )
        );
        logs.append(GROUP, "s", [1]).await;
        let later = GetLogEventsRequest {
            start_time: Some(5),
            ..Default::default()
        };
        assert_eq!(ask(&logs, later).await.unwrap().0, [0; 0]);
    }
}
