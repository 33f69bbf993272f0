//! DescribeLogStreams: the streams of a group, by name or by their last event.

use std::cmp::Ordering;

use hearth_types::Scope;
use hearth_wire::AwsError;
use hearth_wire::logs::{DescribeLogStreamsRequest, DescribeLogStreamsResponse, LogStream, OrderBy};

use super::answers::{group_arn, invalid, invalid_token, page_size};
use super::group_reference::group_name;
use crate::event::EventKey;
use crate::read::StreamSummary;
use crate::service::LogService;

const PAGE_STREAMS: usize = 50;

/// Answers with a page of streams. The token is the place of its last stream.
pub(super) async fn run(
    service: &LogService,
    scope: &Scope,
    input: DescribeLogStreamsRequest,
) -> Result<DescribeLogStreamsResponse, AwsError> {
    let group = group_name(scope, input.log_group_name, input.log_group_identifier)?;
    let by = input.order_by.unwrap_or(OrderBy::LogStreamName);
    let prefix = input.log_stream_name_prefix.unwrap_or_default();
    if by == OrderBy::LastEventTime && !prefix.is_empty() {
        return Err(invalid(
            "Cannot order by LastEventTime with a logStreamNamePrefix.",
        ));
    }
    let after = input
        .next_token
        .map(|token| Place::parse(by, &token).ok_or_else(invalid_token))
        .transpose()?;
    let descending = input.descending == Some(true);
    let order = |one: &Place, other: &Place| {
        if descending {
            other.cmp(one)
        } else {
            one.cmp(other)
        }
    };

    let streams = service.streams(scope, &group).await?;
    let named = streams
        .into_iter()
        .filter(|stream| stream.name.starts_with(&prefix));
    let mut places: Vec<_> = named.map(|stream| (Place::of(by, &stream), stream)).collect();
    places.retain(|(place, _)| {
        after
            .as_ref()
            .is_none_or(|after| order(place, after) == Ordering::Greater)
    });
    places.sort_unstable_by(|(one, _), (other, _)| order(one, other));

    let limit = page_size(input.limit, PAGE_STREAMS);
    let more = places.len() > limit;
    places.truncate(limit);
    let last = places.last().filter(|_| more);
    Ok(DescribeLogStreamsResponse {
        next_token: last.map(|(place, _)| place.token(by)),
        log_streams: Some(
            places
                .into_iter()
                .map(|(_, stream)| described(scope, &group, stream))
                .collect(),
        ),
    })
}

/// Where a stream stands in the list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Zero when the list is by name.
    last_event_ms: i64,
    name: String,
}

impl Place {
    fn of(by: OrderBy, stream: &StreamSummary) -> Self {
        let last_event_ms = match by {
            OrderBy::LogStreamName => 0,
            OrderBy::LastEventTime => stream.last_event_ms.unwrap_or(0),
        };
        Self {
            last_event_ms,
            name: stream.name.clone(),
        }
    }

    /// `<order>/<last event>/<name>`.
    fn token(&self, by: OrderBy) -> String {
        format!("{by}/{}/{}", self.last_event_ms, self.name)
    }

    fn parse(by: OrderBy, token: &str) -> Option<Self> {
        let (last_event, name) = token
            .strip_prefix(by.as_str())?
            .strip_prefix('/')?
            .split_once('/')?;
        Some(Self {
            last_event_ms: last_event.parse().ok()?,
            name: name.to_owned(),
        })
    }
}

fn described(scope: &Scope, group: &str, stream: StreamSummary) -> LogStream {
    LogStream {
        creation_time: Some(stream.created_ms),
        first_event_timestamp: stream.first_event_ms,
        last_event_timestamp: stream.last_event_ms,
        last_ingestion_time: stream.last_ingestion_ms,
        // PutLogEvents takes any token or none; clients expect digits.
        upload_sequence_token: Some(
            EventKey::at(stream.last_ingestion_ms.unwrap_or(stream.created_ms)).to_string(),
        ),
        arn: Some(format!("{}:log-stream:{}", group_arn(scope, group), stream.name)),
        // CloudWatch has not counted streams since 2019.
        stored_bytes: Some(0),
        log_stream_name: Some(stream.name),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{GROUP, Logs, refusal};
    use super::*;
    use crate::group_key::test_scope;

    async fn ask(
        logs: &Logs,
        input: DescribeLogStreamsRequest,
    ) -> Result<(Vec<String>, Option<String>), AwsError> {
        let input = DescribeLogStreamsRequest {
            log_group_name: Some(GROUP.to_owned()),
            ..input
        };
        let answer = run(&logs.service, &test_scope(), input).await?;
        let names = answer
            .log_streams
            .unwrap()
            .into_iter()
            .map(|stream| stream.log_stream_name.unwrap());
        Ok((names.collect(), answer.next_token))
    }

    #[tokio::test]
    async fn streams_are_paged_through_in_every_order() {
        let logs = Logs::new().await;
        for (stream, last) in [("a/x", 5), ("b", 3), ("c", 5), ("d", 1)] {
            logs.append(GROUP, stream, 0..=last).await;
        }
        for (by, names) in [
            (OrderBy::LogStreamName, ["a/x", "b", "c", "d"]),
            (OrderBy::LastEventTime, ["d", "b", "a/x", "c"]),
        ] {
            for (descending, limit) in [(false, 1), (false, 3), (true, 1), (true, 50)] {
                let mut seen = Vec::new();
                let mut next_token = None;
                loop {
                    let (order_by, descending, limit) = (Some(by), Some(descending), Some(limit));
                    let (found, token) = ask(
                        &logs,
                        DescribeLogStreamsRequest {
                            order_by,
                            descending,
                            limit,
                            next_token,
                            ..Default::default()
                        },
                    )
                    .await
                    .unwrap();
                    seen.extend(found);
                    next_token = token;
                    if next_token.is_none() {
                        break;
                    }
                }
                if descending {
                    seen.reverse();
                }
                assert_eq!(seen, names);
            }
        }
    }

    #[tokio::test]
    async fn a_stream_is_described_in_full() {
        let logs = Logs::new().await;
        logs.append(GROUP, "s/1", [7, 4]).await;
        logs.append(GROUP, "t", [1]).await;
        let log_stream_name_prefix = Some("s/".to_owned());
        let log_group_identifier = Some(GROUP.to_owned());
        let input = DescribeLogStreamsRequest {
            log_group_identifier,
            log_stream_name_prefix,
            ..Default::default()
        };
        let streams = run(&logs.service, &test_scope(), input)
            .await
            .unwrap()
            .log_streams
            .unwrap();
        let [stream] = &streams[..] else {
            panic!("one stream")
        };
        assert_eq!(
            (stream.first_event_timestamp, stream.last_event_timestamp),
            (Some(4), Some(7))
        );
        let arn = format!("arn:aws:logs:us-east-1:000000000000:log-group:{GROUP}:log-stream:s/1");
        assert_eq!(stream.arn, Some(arn));
        assert_eq!(stream.stored_bytes, Some(0));
        assert!(stream.creation_time <= stream.last_ingestion_time);
        assert_eq!(stream.upload_sequence_token.as_ref().map(String::len), Some(56));
    }

    #[tokio::test]
    async fn what_cannot_be_answered_is_refused() {
        let logs = Logs::new().await;
        let default = DescribeLogStreamsRequest::default;
        assert_eq!(
            refusal(ask(&logs, default()).await).1,
            "The specified log group does not exist."
        );
        logs.append(GROUP, "s", [1]).await;
        let order_by = Some(OrderBy::LastEventTime);
        let both = DescribeLogStreamsRequest {
            order_by,
            log_stream_name_prefix: Some("s".into()),
            ..default()
        };
        let message = "Cannot order by LastEventTime with a logStreamNamePrefix.";
        assert_eq!(refusal(ask(&logs, both).await).1, message);
        for token in ["x", "LastEventTime/1/s", "LogStreamName/x/s"] {
            let input = DescribeLogStreamsRequest {
                next_token: Some(token.into()),
                ..default()
            };
            assert_eq!(
                refusal(ask(&logs, input).await).1,
                "The specified nextToken is invalid."
            );
        }
    }
}
