//! What can be asked of the values of a period.

use std::str::FromStr;

use hearth_metering::query::Statistics;

/// A statistic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Statistic {
    /// How many values there are.
    SampleCount,
    /// Their mean.
    Average,
    /// Their sum.
    Sum,
    /// The smallest.
    Minimum,
    /// The largest.
    Maximum,
    /// The value that so many percent, 0 to 100, are not above.
    Percentile(f64),
}

/// Why a text is no statistic here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidStatistic {
    /// It is none on AWS either.
    #[error("is not a valid statistic")]
    Unknown,
    /// It is one on AWS.
    #[error("is a statistic that Hearth does not support yet")]
    Unsupported,
}

/// What the names of further statistics of AWS begin with: means, counts and sums of what is between two percentiles or
/// values.
const UNSUPPORTED: [&str; 9] = ["tm", "wm", "tc", "ts", "TM", "WM", "TC", "TS", "PR"];

impl FromStr for Statistic {
    type Err = InvalidStatistic;

    fn from_str(text: &str) -> Result<Self, InvalidStatistic> {
        Ok(match text {
            "SampleCount" => Self::SampleCount,
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            "IQM" => return Err(InvalidStatistic::Unsupported),
            _ => return extended(text),
        })
    }
}

fn extended(text: &str) -> Result<Statistic, InvalidStatistic> {
    let further = UNSUPPORTED.iter().find_map(|prefix| text.strip_prefix(prefix));
    if further.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '(')) {
        return Err(InvalidStatistic::Unsupported);
    }
    let percent = text.strip_prefix('p').filter(|digits| {
        digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    });
    let percent = percent
        .and_then(|digits| digits.parse().ok())
        .filter(|percent| *percent <= 100.0);
    percent
        .map(Statistic::Percentile)
        .ok_or(InvalidStatistic::Unknown)
}

impl Statistic {
    /// Its value for the values of a period. `None` for a percentile of which nothing is known.
    pub(crate) fn of(self, values: &Statistics) -> Option<f64> {
        match self {
            Self::SampleCount => Some(values.sample_count),
            Self::Average => Some(values.average()),
            Self::Sum => Some(values.sum),
            Self::Minimum => Some(values.minimum),
            Self::Maximum => Some(values.maximum),
            Self::Percentile(percent) => values.percentile(percent),
        }
    }

    /// Whether it is an extended one.
    pub(crate) fn is_extended(self) -> bool {
        matches!(self, Self::Percentile(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_statistics_are_read() {
        assert_eq!("Sum".parse(), Ok(Statistic::Sum));
        for (text, percent) in [("p0", 0.0), ("p99", 99.0), ("p99.9", 99.9), ("p100", 100.0)] {
            assert_eq!(text.parse(), Ok(Statistic::Percentile(percent)));
        }
    }

    #[test]
    fn what_aws_has_and_hearth_has_not_is_told_from_what_nobody_has() {
        for text in [
            "tm90",
            "TM(2%:98%)",
            "wm98",
            "tc10",
            "TS(80%:)",
            "PR(:300)",
            "IQM",
        ] {
            assert_eq!(
                text.parse::<Statistic>(),
                Err(InvalidStatistic::Unsupported),
                "{text}"
            );
        }
        for text in [
            "", "sum", "p", "p101", "p-1", "p1e1", "p.5", "pnan", "tm", "PRO", "p1.2.3",
        ] {
            assert_eq!(
                text.parse::<Statistic>(),
                Err(InvalidStatistic::Unknown),
                "{text}"
            );
        }
    }
}
