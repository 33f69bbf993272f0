//! PutLogEvents: events of a client, on disk before the answer.

use hearth_types::{LogEvent, Scope};
use hearth_wire::AwsError;
use hearth_wire::logs::{InputLogEvent, PutLogEventsRequest, PutLogEventsResponse, RejectedLogEventsInfo};

use super::answers::invalid;
use super::group_reference::key;
use crate::event::EventKey;
use crate::service::{LogService, days, now_ms};

/// Largest batch, each event counted as its message and 26 bytes.
const BATCH_BYTES: usize = 1_048_576;
const EVENT_BYTES: usize = 26;

const HOUR_MS: i64 = 60 * 60 * 1000;
/// The first and the last event of a batch may be so far apart.
const SPAN_MS: i64 = 24 * HOUR_MS;
/// Older events are rejected.
const OLDEST_MS: i64 = 14 * 24 * HOUR_MS;
/// Events further in the future are rejected.
const NEWEST_MS: i64 = 2 * HOUR_MS;

/// Sequence tokens are taken and not looked at, as on AWS since 2023.
pub(super) async fn run(
    service: &LogService,
    scope: &Scope,
    input: PutLogEventsRequest,
) -> Result<PutLogEventsResponse, AwsError> {
    let key = key(scope, &input.log_group_name)?;
    let events = input.log_events;
    check(&events)?;
    let now = now_ms();
    let retention = service.group(&key).and_then(|group| group.retention_days);
    let expired = retention.map_or(i64::MIN, |retention| {
        now - i64::try_from(days(retention).as_millis()).unwrap_or(i64::MAX)
    });
    let sorted = Sorted::new(&events, now, expired);
    let rejected = sorted.rejected(events.len());
    let taken = events
        .into_iter()
        .skip(sorted.begin)
        .take(sorted.end - sorted.begin);
    let taken = taken.map(|event| LogEvent {
        timestamp_ms: event.timestamp,
        message: event.message,
    });
    service
        .put_events(&key, &input.log_stream_name, taken.collect())
        .await?;
    Ok(PutLogEventsResponse {
        // Nobody needs it; clients expect digits.
        next_sequence_token: Some(EventKey::at(now).to_string()),
        rejected_log_events_info: rejected,
        rejected_entity_info: None,
    })
}

/// Refuses batches that cannot be.
fn check(events: &[InputLogEvent]) -> Result<(), AwsError> {
    let bytes: usize = events.iter().map(|event| event.message.len() + EVENT_BYTES).sum();
    if bytes > BATCH_BYTES {
        return Err(invalid(format!(
            "Upload too large: {bytes} bytes exceeds limit of {BATCH_BYTES}"
        )));
    }
    if !events.is_sorted_by_key(|event| event.timestamp) {
        return Err(invalid(
            "Log events in a single PutLogEvents request must be in chronological order.",
        ));
    }
    match (events.first(), events.last()) {
        (Some(first), Some(last)) if last.timestamp - first.timestamp > SPAN_MS => Err(invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        )),
        _ => Ok(()),
    }
}

/// Where the events that are taken begin and end, among events in the order of their time.
struct Sorted {
    /// Before this one, events are older than anything is taken.
    too_old: usize,
    /// Before this one, events are older than their group keeps them.
    expired: usize,
    begin: usize,
    end: usize,
}

impl Sorted {
    fn new(events: &[InputLogEvent], now: i64, expired: i64) -> Self {
        let before = |time: i64| events.partition_point(|event| event.timestamp < time);
        let (too_old, expired) = (before(now - OLDEST_MS), before(expired));
        let end = before(now.saturating_add(NEWEST_MS + 1));
        let begin = too_old.max(expired).min(end);
        Self {
            too_old,
            expired,
            begin,
            end,
        }
    }

    fn rejected(&self, count: usize) -> Option<RejectedLogEventsInfo> {
        let index = |index: usize| i32::try_from(index).ok();
        if self.begin == 0 && self.end == count {
            return None;
        }
        Some(RejectedLogEventsInfo {
            too_new_log_event_start_index: index(self.end).filter(|_| self.end < count),
            too_old_log_event_end_index: index(self.too_old).filter(|end| *end > 0),
            expired_log_event_end_index: index(self.expired).filter(|end| *end > 0),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(times: &[i64]) -> Vec<InputLogEvent> {
        times
            .iter()
            .map(|timestamp| InputLogEvent {
                timestamp: *timestamp,
                message: "m".into(),
            })
            .collect()
    }

    #[test]
    fn what_is_too_old_and_too_new_is_told() {
        let now = 100 * 24 * HOUR_MS;
        let times = [
            now - OLDEST_MS - 1,
            now - OLDEST_MS,
            now - HOUR_MS,
            now + NEWEST_MS,
            now + NEWEST_MS + 1,
        ];
        let sorted = Sorted::new(&events(&times), now, now - 2 * HOUR_MS);
        let rejected = sorted.rejected(times.len()).unwrap();
        assert_eq!((sorted.begin, sorted.end), (2, 4));
        assert_eq!(rejected.too_old_log_event_end_index, Some(1));
        assert_eq!(rejected.expired_log_event_end_index, Some(2));
        assert_eq!(rejected.too_new_log_event_start_index, Some(4));
        let sorted = Sorted::new(&events(&times[1..4]), now, i64::MIN);
        assert_eq!(sorted.rejected(3), None);
    }

    #[test]
    fn batches_that_cannot_be_are_refused() {
        let refusal = |events: &[InputLogEvent]| check(events).unwrap_err().message;
        assert!(refusal(&events(&[2, 1])).ends_with("must be in chronological order."));
        assert!(refusal(&events(&[0, SPAN_MS + 1])).ends_with("cannot span more than 24 hours."));
        assert!(check(&events(&[0, SPAN_MS])).is_ok());
        let mut large = events(&[0]);
        large[0].message = "x".repeat(BATCH_BYTES - EVENT_BYTES);
        assert!(check(&large).is_ok());
        large[0].message.push('x');
        assert_eq!(
            refusal(&large),
            "Upload too large: 1048577 bytes exceeds limit of 1048576"
        );
    }

    proptest! {
        #[test]
        fn what_is_taken_is_a_part(mut times in prop::collection::vec(0i64..i64::MAX / 4, 0..20), now in 0i64..i64::MAX / 4) {
            times.sort_unstable();
            let sorted = Sorted::new(&events(&times), now, now - HOUR_MS);
            prop_assert!(sorted.begin <= sorted.end && sorted.end <= times.len());
        }
    }
}
