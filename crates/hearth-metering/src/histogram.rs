//! How often values of each size occurred, in bins that are all about equally wide for their size.
//!
//! Values up to [`LINEAR`] have bins of their own. Above, each power of ten is divided into [`STEPS`] bins, from 0.55 %
//! to 5 % wide, so that the limits that people choose (1, 2.5, 5, 10 …) are limits of bins: counts below them are exact.
//! Histograms of the same values are equal however they were put together.

/// The largest value that has a bin of its own.
const LINEAR: u64 = 100;
/// Bins per power of ten above.
const STEPS: u64 = 180;
/// Powers of ten above: the last one ends at 10¹⁰, which for microseconds is nearly three hours.
const DECADES: u64 = 8;

/// The last bin.
const LAST: u16 = (LINEAR + DECADES * STEPS) as u16;

/// One bin that is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bin {
    /// Which: bins are numbered by size.
    index: u16,
    /// How many values are in it.
    count: u64,
}

/// Counts of values by size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Sorted by index; none is empty.
    bins: Vec<Bin>,
}

impl Histogram {
    /// Counts a value.
    pub fn add(&mut self, value: u64) {
        self.add_many(index(value), 1);
    }

    /// Counts all that another one has counted.
    pub fn merge(&mut self, other: &Self) {
        for bin in &other.bins {
            self.add_many(bin.index, bin.count);
        }
    }

    fn add_many(&mut self, index: u16, count: u64) {
        match self.bins.binary_search_by_key(&index, |bin| bin.index) {
            Ok(place) => self.bins[place].count += count,
            Err(place) => self.bins.insert(place, Bin { index, count }),
        }
    }

    /// Appends a bin; `None` if it is empty, not above all others, or none that there is.
    pub(crate) fn push(&mut self, index: u16, count: u64) -> Option<()> {
        let above = self.bins.last().is_none_or(|last| last.index < index);
        (above && index <= LAST && count > 0).then(|| self.bins.push(Bin { index, count }))
    }

    /// The bins that hold something, by size: number and count.
    pub(crate) fn bins(&self) -> impl ExactSizeIterator<Item = (u16, u64)> {
        self.bins.iter().map(|bin| (bin.index, bin.count))
    }

    /// How many values there are; `None` if it is no number.
    pub(crate) fn count(&self) -> Option<u64> {
        let mut counts = self.bins.iter().map(|bin| bin.count);
        counts.try_fold(0u64, u64::checked_add)
    }

    /// About how many bytes of memory it takes beside its own size.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.bins.len() * size_of::<Bin>()
    }

    /// How many values are at most `limit`: exact where that is the limit of a bin, as 1, 2.5 and 5 of any power of ten
    /// are; otherwise the bin that it divides does not count.
    pub fn up_to(&self, limit: u64) -> u64 {
        let whole = self.bins.iter().take_while(|bin| upper(bin.index) <= limit);
        whole.map(|bin| bin.count).sum()
    }

    /// The value that a part of all values, from 0 to 1, is not above: the middle of the bin it is in, which is off by
    /// 2.5 % at most. `None` without values.
    pub fn quantile(&self, part: f64) -> Option<f64> {
        let total: u64 = self.bins.iter().map(|bin| bin.count).sum();
        let rank = rank(part, total);
        let mut below = 0;
        let bin = self.bins.iter().find(|bin| {
            below += bin.count;
            below >= rank
        })?;
        Some(middle(bin.index))
    }
}

/// How many values, the smallest first, it takes to have a part of all.
pub(crate) fn rank(part: f64, total: u64) -> u64 {
    (part.clamp(0.0, 1.0) * total as f64).ceil().max(1.0) as u64
}

/// The bin of a value.
fn index(value: u64) -> u16 {
    if value <= LINEAR {
        return value as u16;
    }
    let last = LINEAR * 10u64.pow(DECADES as u32);
    let value = value.min(last);
    let mut start = LINEAR;
    let mut decade = 0;
    while value > start * 10 {
        start *= 10;
        decade += 1;
    }
    let step = (value - start).div_ceil(start / (STEPS / 9));
    (LINEAR + decade * STEPS + step) as u16
}

/// The largest value of a bin.
fn upper(index: u16) -> u64 {
    let index = u64::from(index);
    if index <= LINEAR {
        return index;
    }
    let (decade, step) = ((index - LINEAR - 1) / STEPS, (index - LINEAR - 1) % STEPS + 1);
    let start = LINEAR * 10u64.pow(decade as u32);
    start + step * (start / (STEPS / 9))
}

/// The value that stands for a bin.
fn middle(index: u16) -> f64 {
    match u64::from(index) {
        exact if exact <= LINEAR => exact as f64,
        _ => (upper(index - 1) + 1 + upper(index)) as f64 / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|value| histogram.add(*value));
        histogram
    }

    #[test]
    fn bins_follow_one_another() {
        for bin in 1..=LAST {
            assert_eq!(index(upper(bin)), bin);
            assert_eq!(index(upper(bin - 1) + 1), bin);
        }
        assert_eq!(index(u64::MAX), LAST);
    }

    #[test]
    fn round_numbers_are_limits() {
        for decade in 2..9 {
            for mantissa in [10, 25, 50] {
                let limit = mantissa * 10u64.pow(decade - 1);
                assert_eq!(of(&[limit, limit + 1]).up_to(limit), 1, "{limit}");
            }
        }
    }

    #[test]
    fn without_values_there_is_no_quantile() {
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    proptest! {
        #[test]
        fn a_quantile_is_near_the_value_of_its_rank(
            mut values in prop::collection::vec(0u64..10_000_000_000, 1..200), part in 0.0..=1.0,
        ) {
            let found = of(&values).quantile(part).unwrap();
            values.sort_unstable();
            let rank = ((part * values.len() as f64).ceil() as usize).max(1);
            let exact = values[rank - 1] as f64;
            prop_assert!((found - exact).abs() <= exact * 0.025, "{found} for {exact}");
        }

        #[test]
        fn it_does_not_matter_how_it_was_put_together(
            values in prop::collection::vec(0u64..1_000_000, 0..100), at in any::<prop::sample::Index>(),
        ) {
            let (one, two) = values.split_at(at.index(values.len() + 1));
            let mut merged = of(two);
            merged.merge(&of(one));
            prop_assert_eq!(merged, of(&values));
        }
    }
}
