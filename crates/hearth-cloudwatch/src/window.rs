//! Ranges of time and periods, as CloudWatch takes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hearth_wire::Timestamp;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;
/// Up to which age a start may be at any minute, and at any five minutes, in seconds.
const MINUTES_UNTIL: u64 = 15 * DAY;
const FIVE_MINUTES_UNTIL: u64 = 63 * DAY;
/// The last second that is taken apart from later ones: the end of the year 9999.
const LAST: u64 = 253_402_300_799;

/// A range of time, in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// The first second.
    pub(crate) start: u64,
    /// The first one behind it.
    pub(crate) end: u64,
}

/// Why a range is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidWindow {
    #[error("The parameter StartTime must not equal parameter EndTime.")]
    Empty,
    #[error("The parameter StartTime must be less than the parameter EndTime.")]
    Backwards,
}

impl Window {
    /// The range between two times of a request, to whole seconds.
    pub(crate) fn new(start: Timestamp, end: Timestamp) -> Result<Self, InvalidWindow> {
        let (start, end) = (seconds(start.0), seconds(end.0));
        match start.cmp(&end) {
            std::cmp::Ordering::Less => Ok(Self { start, end }),
            std::cmp::Ordering::Equal => Err(InvalidWindow::Empty),
            std::cmp::Ordering::Greater => Err(InvalidWindow::Backwards),
        }
    }

    /// How long it is, in seconds.
    pub(crate) fn length(self) -> u64 {
        self.end - self.start
    }

    /// The same from where CloudWatch begins to count: the start is rounded down to a minute, from 15 days ago on to
    /// five minutes, from 63 days ago on to an hour.
    pub(crate) fn rounded(self, now: SystemTime) -> Self {
        let age = seconds(now).saturating_sub(self.start);
        let unit = if age <= MINUTES_UNTIL {
            MINUTE
        } else if age <= FIVE_MINUTES_UNTIL {
            5 * MINUTE
        } else {
            60 * MINUTE
        };
        Self {
            start: self.start / unit * unit,
            ..self
        }
    }

    /// The range as times.
    pub(crate) fn range(self) -> std::ops::Range<SystemTime> {
        time(self.start)..time(self.end)
    }
}

/// A period in seconds, if it is a multiple of 60. Metrics of functions have one value per minute: there is nothing to
/// say about less.
pub(crate) fn period(seconds: i32) -> Option<u32> {
    u32::try_from(seconds)
        .ok()
        .filter(|period| *period > 0 && period.is_multiple_of(MINUTE as u32))
}

/// Whole seconds since the Unix epoch, within what is told apart.
pub(crate) fn seconds(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs().min(LAST)
}

/// A time so many seconds after the Unix epoch.
pub(crate) fn time(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds.min(LAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: u64, end: u64) -> Result<Window, InvalidWindow> {
        Window::new(Timestamp(time(start)), Timestamp(time(end)))
    }

    #[test]
    fn a_range_begins_before_it_ends() {
        assert_eq!(window(10, 10), Err(InvalidWindow::Empty));
        assert_eq!(window(11, 10), Err(InvalidWindow::Backwards));
        let part_of_a_second = Timestamp(time(10) + Duration::from_millis(900));
        assert_eq!(
            Window::new(Timestamp(time(10)), part_of_a_second),
            Err(InvalidWindow::Empty)
        );
        assert_eq!(window(10, 12).unwrap().length(), 2);
    }

    #[test]
    fn the_start_is_rounded_by_its_age() {
        let now = time(100 * DAY);
        let start = |ago: u64| window(100 * DAY - ago, 101 * DAY).unwrap().rounded(now).start;
        assert_eq!(start(61), 100 * DAY - 120);
        assert_eq!(start(15 * DAY), 85 * DAY);
        assert_eq!(start(15 * DAY + 1), 85 * DAY - 300);
        assert_eq!(start(63 * DAY + 1), 37 * DAY - 3600);
    }

    #[test]
    fn periods_are_whole_minutes() {
        assert_eq!(period(60), Some(60));
        assert_eq!(period(86_400), Some(86_400));
        for seconds in [0, 1, 5, 10, 20, 30, 59, 61, 90, -60] {
            assert_eq!(period(seconds), None, "{seconds}");
        }
    }

    #[test]
    fn times_out_of_this_world_do_no_harm() {
        let far = UNIX_EPOCH.checked_add(Duration::from_secs(1 << 62)).unwrap();
        let before = UNIX_EPOCH - Duration::from_secs(1);
        let window = Window::new(Timestamp(before), Timestamp(far)).unwrap();
        assert_eq!(window, Window { start: 0, end: LAST });
        let _ = window.rounded(far).range();
    }
}
