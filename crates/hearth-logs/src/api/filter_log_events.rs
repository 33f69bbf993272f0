//! FilterLogEvents: events of a group, of all or some of its streams.

use std::time::Duration;

use hearth_types::Scope;
use hearth_wire::AwsError;
use hearth_wire::logs::{FilterLogEventsRequest, FilterLogEventsResponse, FilteredLogEvent};

use super::answers::{invalid, no_stream, page_size};
use super::group_reference::group_name;
use super::token::Token;
use crate::event::{Event, EventKey};
use crate::page::{Order, PAGE_EVENTS, Page, Query, Streams};
use crate::pattern::FilterPattern;
use crate::service::LogService;

/// A search that takes longer goes on with the next page; a page may be empty, as on AWS.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers with a page; its token is there when more events are.
pub(super) async fn run(
    service: &LogService,
    scope: &Scope,
    input: FilterLogEventsRequest,
) -> Result<FilterLogEventsResponse, AwsError> {
    let group = group_name(scope, input.log_group_name, input.log_group_identifier)?;
    let named = input.log_stream_names.clone();
    let mut query = Query {
        streams: streams(input.log_stream_names, input.log_stream_name_prefix)?,
        pattern: FilterPattern::parse(input.filter_pattern.as_deref().unwrap_or_default())?,
        from: EventKey::at(input.start_time.unwrap_or(0)),
        to: input
            .end_time
            .map_or(EventKey::LAST, |end| EventKey::at(end.saturating_add(1))),
        order: if input.start_from_head == Some(false) {
            Order::Backward
        } else {
            Order::Forward
        },
        limit: page_size(input.limit, PAGE_EVENTS),
        patience: PATIENCE,
    };
    if let Some(token) = &input.next_token {
        token.parse::<Token>()?.narrow(&mut query);
    }
    let order = query.order;
    let page = service.events(scope, &group, query).await?;
    if page.events.is_empty()
        && page.next.is_none()
        && let Some(names) = named
    {
        check_streams(service, scope, &group, &names).await?;
    }
    Ok(FilterLogEventsResponse {
        next_token: next(&page, order).map(|token| token.to_string()),
        events: Some(page.events.into_iter().map(filtered).collect()),
        searched_log_streams: Some(Vec::new()),
    })
}

fn streams(names: Option<Vec<String>>, prefix: Option<String>) -> Result<Streams, AwsError> {
    match (names, prefix) {
        (None, None) => Ok(Streams::All),
        (Some(names), None) => Ok(Streams::Named(names)),
        (None, Some(prefix)) => Ok(Streams::Prefixed(prefix)),
        (Some(_), Some(_)) => Err(invalid(
            "logStreamNames and logStreamNamePrefix are mutually exclusive parameters.",
        )),
    }
}

/// Finding nothing in streams is one thing, streams that are not there are another.
async fn check_streams(
    service: &LogService,
    scope: &Scope,
    group: &str,
    names: &[String],
) -> Result<(), AwsError> {
    let streams = service.streams(scope, group).await?;
    let known = |name: &String| streams.iter().any(|stream| stream.name == *name);
    if names.iter().all(known) {
        Ok(())
    } else {
        Err(no_stream())
    }
}

fn next(page: &Page, order: Order) -> Option<Token> {
    Some(match order {
        Order::Forward => Token::Forward(page.next?),
        Order::Backward => Token::Backward(page.next?),
    })
}

fn filtered(event: Event) -> FilteredLogEvent {
    FilteredLogEvent {
        event_id: Some(event.key.to_string()),
        timestamp: Some(event.key.timestamp_ms),
        ingestion_time: Some(event.ingestion_ms),
        log_stream_name: Some(event.stream),
        message: Some(event.message),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{GROUP, Logs, refusal, times};
    use super::*;
    use crate::group_key::test_scope;

    async fn ask(logs: &Logs, input: FilterLogEventsRequest) -> Result<(Vec<i64>, Option<String>), AwsError> {
        let input = FilterLogEventsRequest {
            log_group_name: Some(GROUP.to_owned()),
            ..input
        };
        let answer = run(&logs.service, &test_scope(), input).await?;
        Ok((times(answer.events, |event| event.timestamp), answer.next_token))
    }

    #[tokio::test]
    async fn pages_follow_each_other_in_both_directions() {
        let logs = Logs::new().await;
        logs.append(GROUP, "a", (0..100).step_by(2)).await;
        logs.append(GROUP, "b", (1..100).step_by(2)).await;
        for from_head in [true, false] {
            let mut seen = Vec::new();
            let mut next_token = None;
            loop {
                let (limit, start_from_head) = (Some(7), Some(from_head));
                let input = FilterLogEventsRequest {
                    limit,
                    start_from_head,
                    next_token,
                    ..Default::default()
                };
                let (times, token) = ask(&logs, input).await.unwrap();
                seen.extend(times);
                next_token = token;
                if next_token.is_none() {
                    break;
                }
            }
            if !from_head {
                seen.reverse();
            }
            assert_eq!(seen, (0..100).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn both_ends_of_the_time_range_are_part_of_it() {
        let logs = Logs::new().await;
        logs.append(GROUP, "a", 0..10).await;
        let (start_time, end_time) = (Some(3), Some(5));
        let input = FilterLogEventsRequest {
            start_time,
            end_time,
            ..Default::default()
        };
        assert_eq!(ask(&logs, input).await.unwrap(), (vec![3, 4, 5], None));
        let input = FilterLogEventsRequest {
            start_time: Some(7),
            end_time: Some(2),
            ..Default::default()
        };
        assert_eq!(ask(&logs, input).await.unwrap(), (vec![], None));
    }

    #[tokio::test]
    async fn events_carry_all_their_members() {
        let logs = Logs::new().await;
        logs.append(GROUP, "2026/11/21/[$LATEST]0123", [5]).await;
        let log_group_identifier = Some(format!("arn:aws:logs:us-east-1:000000000000:log-group:{GROUP}"));
        let input = FilterLogEventsRequest {
            log_group_identifier,
            ..Default::default()
        };
        let answer = run(&logs.service, &test_scope(), input).await.unwrap();
        let event = &answer.events.unwrap()[0];
        assert_eq!(event.log_stream_name.as_deref(), Some("2026/11/21/[$LATEST]0123"));
        assert_eq!(event.message.as_deref(), Some("5"));
        assert_eq!(event.event_id.as_ref().map(String::len), Some(56));
        assert!(event.ingestion_time.unwrap() > 1_600_000_000_000);
        assert_eq!(answer.searched_log_streams, Some(vec![]));
    }

    #[tokio::test]
    async fn what_cannot_be_answered_is_refused() {
        let logs = Logs::new().await;
        let nothing = refusal(ask(&logs, FilterLogEventsRequest::default()).await);
        assert_eq!(
            nothing,
            (
                "ResourceNotFoundException".into(),
                "The specified log group does not exist.".into()
            )
        );
        logs.append(GROUP, "a", 0..3).await;
        let names = Some(vec!["a".to_owned(), "b".to_owned()]);
        let from_b = FilterLogEventsRequest {
            log_stream_names: Some(vec!["b".into()]),
            ..Default::default()
        };
        let message = "The specified log stream does not exist.";
        assert_eq!(
            refusal(ask(&logs, from_b).await),
            ("ResourceNotFoundException".into(), message.into())
        );
        let both = FilterLogEventsRequest {
            log_stream_names: names,
            log_stream_name_prefix: Some("a".into()),
            ..Default::default()
        };
        assert_eq!(refusal(ask(&logs, both).await).0, "InvalidParameterException");
        let pattern = FilterLogEventsRequest {
            filter_pattern: Some("{ $.a = }".into()),
            ..Default::default()
        };
        assert_eq!(
            refusal(ask(&logs, pattern).await),
            (
                "InvalidParameterException".into(),
                "Invalid filter pattern: a value is missing".into()
            )
        );
        let token = FilterLogEventsRequest {
            next_token: Some("x".into()),
            ..Default::default()
        };
        assert_eq!(
            refusal(ask(&logs, token).await).1,
            "The specified nextToken is invalid."
        );
    }
}
