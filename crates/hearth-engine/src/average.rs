//! What something takes, measured while it happens.

use std::time::Duration;

/// A moving average that follows what is measured within some ten measurements.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Average(Option<Duration>);

/// A new measurement counts for one part in so many.
const WEIGHT: u32 = 8;

impl Average {
    /// Takes a measurement in.
    pub(crate) fn add(&mut self, measured: Duration) {
        self.0 = Some(match self.0 {
            Some(average) if measured > average => average + (measured - average) / WEIGHT,
            Some(average) => average - (average - measured) / WEIGHT,
            None => measured,
        });
    }

    /// The average, if anything was measured.
    pub(crate) fn get(self) -> Option<Duration> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_what_is_measured() {
        let mut average = Average::default();
        assert_eq!(average.get(), None);
        average.add(Duration::from_millis(8));
        assert_eq!(average.get(), Some(Duration::from_millis(8)));
        average.add(Duration::from_millis(16));
        assert_eq!(average.get(), Some(Duration::from_millis(9)));
        (0..100).for_each(|_| average.add(Duration::ZERO));
        assert!(average.get().unwrap() < Duration::from_micros(1));
    }
}
