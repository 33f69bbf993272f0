//! Wall-clock time as AWS writes it.

use std::time::{SystemTime, UNIX_EPOCH};

use ::time::format_description::BorrowedFormatItem;
use ::time::macros::format_description;
use ::time::{Date, OffsetDateTime, Time};

const MILLIS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]");
const ACCESS_LOG: &[BorrowedFormatItem<'_>] =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]/[month]/[day]");

/// Milliseconds since the Unix epoch.
pub fn unix_millis(at: SystemTime) -> i64 {
    at.duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_millis() as i64)
}

/// `2026-01-01T00:00:00.000Z`, as log lines and events carry it.
pub fn iso8601(at: SystemTime) -> String {
    format!("{}Z", format(at, MILLIS))
}

/// `2026-01-01T00:00:00.000+0000`, as `LastModified` of the Lambda API carries it.
pub fn last_modified(at: SystemTime) -> String {
    format!("{}+0000", format(at, MILLIS))
}

/// `01/Jan/2026:00:00:00 +0000`, as the events of HTTP requests carry it.
pub fn access_log(at: SystemTime) -> String {
    format(at, ACCESS_LOG)
}

/// `2026/01/01`, as log stream names begin.
pub fn day(at: SystemTime) -> String {
    format(at, DAY)
}

/// When a day begins that is written as `2026-01-01`, in UTC.
pub fn start_of_day(text: &str) -> Option<SystemTime> {
    let date = Date::parse(text, DATE).ok()?;
    Some(date.with_time(Time::MIDNIGHT).assume_utc().into())
}

fn format(at: SystemTime, as_: &[BorrowedFormatItem<'_>]) -> String {
    OffsetDateTime::from(at)
        .format(as_)
        .expect("a date of this era has every part of the format")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_written_as_aws_writes_them() {
        let at = UNIX_EPOCH + Duration::from_millis(1_767_225_600_007);
        assert_eq!(iso8601(at), "2026-01-01T00:00:00.007Z");
        assert_eq!(last_modified(at), "2026-01-01T00:00:00.007+0000");
        assert_eq!(access_log(at), "01/Jan/2026:00:00:00 +0000");
        assert_eq!(day(at), "2026/01/01");
        assert_eq!(unix_millis(at), 1_767_225_600_007);
    }
}
