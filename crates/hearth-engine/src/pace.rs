//! How fast a streamed response may flow.

use std::time::Duration;

use tokio::time::Instant;

/// Bytes that pass at once, as on AWS: the first 6 MiB, and as many again after a long enough pause.
const BURST: u64 = 6 * 1024 * 1024;

/// Lets a burst pass and then so many bytes per second.
#[derive(Debug)]
pub(crate) struct Pace {
    rate: u64,
    /// When everything that passed so far would have passed at the rate; further ahead than a burst nobody gets.
    paid: Instant,
}

impl Pace {
    /// A pace of `rate` bytes per second, at least 1.
    pub(crate) fn new(rate: u64, now: Instant) -> Self {
        Self {
            rate: rate.max(1),
            paid: now,
        }
    }

    /// Counts bytes that pass now. When more may pass, if not at once.
    pub(crate) fn spend(&mut self, bytes: usize, now: Instant) -> Option<Instant> {
        self.paid = self.paid.max(now) + self.time(bytes as u64);
        let ahead = self.paid - now;
        let burst = self.time(BURST);
        (ahead > burst).then(|| now + (ahead - burst))
    }

    fn time(&self, bytes: u64) -> Duration {
        Duration::from_secs_f64(bytes as f64 / self.rate as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let start = Instant::now();
        let mut pace = Pace::new(2 * MIB as u64, start);
        assert_eq!(pace.spend(6 * MIB, start), None);
        let mut now = start;
        for _ in 0..10 {
            now = pace.spend(MIB, now).expect("the burst is used up");
        }
        let took = now - start;
        assert!(
            (took.as_secs_f64() - 5.0).abs() < 0.001,
            "10 MiB took {took:?} at 2 MiB/s"
        );
    }

    #[test]
    fn a_pause_earns_another_burst_and_no_more() {
        let start = Instant::now();
        let mut pace = Pace::new(2 * MIB as u64, start);
        assert!(pace.spend(8 * MIB, start).is_some());
        let later = start + Duration::from_secs(600);
        assert_eq!(pace.spend(6 * MIB, later), None);
        assert!(pace.spend(1, later).is_some());
    }
}
