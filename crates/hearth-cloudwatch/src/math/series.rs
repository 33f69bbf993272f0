//! What expressions compute with.

use std::collections::BTreeMap;

use super::MathError;

/// Values by time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// The length of a period, in seconds.
    pub(crate) period: u32,
    /// By the second in which their period begins, since the Unix epoch.
    pub(crate) points: BTreeMap<u64, f64>,
}

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A number.
    Scalar(f64),
    /// A time series.
    One(Series),
    /// An array of them.
    Many(Vec<Series>),
}

impl Series {
    /// The same with other values; what is no number is left out, such as what was divided by zero.
    pub(super) fn map(&self, change: impl Fn(f64) -> f64) -> Self {
        let points = self.points.iter().map(|(at, value)| (*at, change(*value)));
        self.with(points.collect())
    }

    /// The same period with these points.
    pub(super) fn with(&self, mut points: BTreeMap<u64, f64>) -> Self {
        points.retain(|_, value| value.is_finite());
        Self {
            period: self.period,
            points,
        }
    }

    /// What each point but the first makes of the change since the one before and of the seconds between.
    pub(super) fn differences(&self, of: impl Fn(f64, u64) -> f64) -> Self {
        let pairs = self.points.iter().zip(self.points.iter().skip(1));
        let points = pairs.map(|((before, old), (at, new))| (*at, of(new - old, at - before)));
        self.with(points.collect())
    }

    /// At each point the sum of all up to it.
    pub(super) fn running_sum(&self) -> Self {
        let mut sum = 0.0;
        let points = self.points.iter().map(|(at, value)| {
            sum += value;
            (*at, sum)
        });
        self.with(points.collect())
    }

    /// Both values of each time for which both have one.
    pub(super) fn zip(&self, other: &Self, combine: impl Fn(f64, f64) -> f64) -> Result<Self, MathError> {
        if self.period != other.period {
            return Err(MathError::Periods);
        }
        let both = self.points.iter().filter_map(|(at, value)| {
            let other = other.points.get(at)?;
            Some((*at, combine(*value, *other)))
        });
        Ok(self.with(both.collect()))
    }

    /// What several series have at each time for which one of them has something.
    pub(super) fn fold(all: &[Self], fold: impl Fn(&[f64]) -> f64) -> Result<Self, MathError> {
        let first = all.first().ok_or(MathError::NoSeries)?;
        let mut values: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        for series in all {
            if series.period != first.period {
                return Err(MathError::Periods);
            }
            for (at, value) in &series.points {
                values.entry(*at).or_default().push(*value);
            }
        }
        let folded = values.iter().map(|(at, values)| (*at, fold(values)));
        Ok(first.with(folded.collect()))
    }
}

impl Value {
    /// The value with every number changed.
    pub(super) fn map(&self, change: impl Fn(f64) -> f64) -> Self {
        match self {
            Self::Scalar(value) => Self::Scalar(change(*value)),
            Self::One(series) => Self::One(series.map(change)),
            Self::Many(all) => Self::Many(all.iter().map(|series| series.map(&change)).collect()),
        }
    }

    /// Two values, number by number.
    pub(super) fn zip(&self, other: &Self, combine: impl Fn(f64, f64) -> f64) -> Result<Self, MathError> {
        Ok(match (self, other) {
            (_, Self::Scalar(right)) => self.map(|left| combine(left, *right)),
            (Self::Scalar(left), _) => other.map(|right| combine(*left, right)),
            (Self::One(left), Self::One(right)) => Self::One(left.zip(right, combine)?),
            (Self::Many(left), Self::One(right)) => Self::Many(
                left.iter()
                    .map(|left| left.zip(right, &combine))
                    .collect::<Result<_, _>>()?,
            ),
            (Self::One(left), Self::Many(right)) => Self::Many(
                right
                    .iter()
                    .map(|right| left.zip(right, &combine))
                    .collect::<Result<_, _>>()?,
            ),
            (Self::Many(_), Self::Many(_)) => return Err(MathError::TwoArrays),
        })
    }
}
