//! Count, sum, extremes and sizes of values.

use crate::Histogram;
use crate::histogram::rank;

/// What is kept of a number of values, such as durations in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// How many.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// The smallest; 0 without values.
    pub min: u64,
    /// The largest; 0 without values.
    pub max: u64,
    /// How often which sizes occurred.
    pub histogram: Histogram,
}

impl Distribution {
    /// Adds a value.
    pub fn add(&mut self, value: u64) {
        self.extend(1, value, value, value);
        self.histogram.add(value);
    }

    /// Adds all values of another one.
    pub fn merge(&mut self, other: &Self) {
        if other.count > 0 {
            self.extend(other.count, other.sum, other.min, other.max);
            self.histogram.merge(&other.histogram);
        }
    }

    fn extend(&mut self, count: u64, sum: u64, min: u64, max: u64) {
        self.min = if self.count == 0 { min } else { self.min.min(min) };
        self.max = self.max.max(max);
        self.count += count;
        self.sum += sum;
    }

    /// The value that a part of all, from 0 to 1, is not above, to 2.5 %; exact at both ends. `None` without values.
    pub fn quantile(&self, part: f64) -> Option<f64> {
        let found = self.histogram.quantile(part)?;
        Some(match rank(part, self.count) {
            1 => self.min as f64,
            last if last == self.count => self.max as f64,
            _ => found.clamp(self.min as f64, self.max as f64),
        })
    }
}

/// What is kept of values where sizes do not matter: how many there were, and the extremes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauge {
    /// How often it was looked at.
    pub count: u64,
    /// The sum of what was seen.
    pub sum: u64,
    /// The least that was seen; 0 if nobody looked.
    pub min: u64,
    /// The most that was seen.
    pub max: u64,
}

impl Gauge {
    /// Adds what is seen now.
    pub fn see(&mut self, value: u64) {
        self.merge(&Self {
            count: 1,
            sum: value,
            min: value,
            max: value,
        });
    }

    /// Adds what another one has seen.
    pub fn merge(&mut self, other: &Self) {
        if other.count > 0 {
            self.min = if self.count == 0 {
                other.min
            } else {
                self.min.min(other.min)
            };
            self.max = self.max.max(other.max);
            self.count += other.count;
            self.sum += other.sum;
        }
    }
}
