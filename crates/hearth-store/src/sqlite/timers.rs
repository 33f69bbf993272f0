//! When leases end: known to this process only, so that extending one costs no write.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::{Lease, QueueName};

/// No lease is longer; keeps the arithmetic of instants from overflowing.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// The end of every lease that the file says is held. Changes follow the fate of the transaction they belong
/// to: a lease without a timer would hide its message until the next start.
#[derive(Default)]
pub(super) struct Timers {
    queues: HashMap<QueueName, HashMap<Lease, Instant>>,
    /// What the changes of the running transaction replaced, oldest first.
    replaced: Vec<(Lease, Option<Instant>)>,
}

impl Timers {
    /// Sets or moves the end of a lease to `period` from now.
    pub(super) fn set(&mut self, lease: Lease, period: Duration) {
        let before = self.replace(lease.clone(), Some(Instant::now() + period.min(LONGEST)));
        self.replaced.push((lease, before));
    }

    /// Forgets a lease that was settled or freed.
    pub(super) fn remove(&mut self, lease: &Lease) {
        let before = self.replace(lease.clone(), None);
        self.replaced.push((lease.clone(), before));
    }

    /// The leases of a queue that have ended.
    pub(super) fn ended(&self, queue: &QueueName) -> Vec<Lease> {
        let now = Instant::now();
        let leases = self.queues.get(queue).into_iter().flatten();
        leases
            .filter(|(_, end)| **end <= now)
            .map(|(lease, _)| lease.clone())
            .collect()
    }

    /// How long until the first lease of a queue ends; zero where one has.
    pub(super) fn until_first_end(&self, queue: &QueueName) -> Option<Duration> {
        let end = self.queues.get(queue)?.values().min()?;
        Some(end.saturating_duration_since(Instant::now()))
    }

    /// The point [`undo_to`](Self::undo_to) leads back to.
    pub(super) fn mark(&self) -> usize {
        self.replaced.len()
    }

    /// Undoes every change since `mark`, or since the transaction began where that is 0.
    pub(super) fn undo_to(&mut self, mark: usize) {
        while self.replaced.len() > mark
            && let Some((lease, before)) = self.replaced.pop()
        {
            self.replace(lease, before);
        }
    }

    /// Makes every change final: the transaction is on disk.
    pub(super) fn keep(&mut self) {
        self.replaced.clear();
    }

    fn replace(&mut self, lease: Lease, end: Option<Instant>) -> Option<Instant> {
        let leases = self.queues.entry(lease.queue.clone()).or_default();
        match end {
            Some(end) => leases.insert(lease, end),
            None => {
                let queue = lease.queue.clone();
                let before = leases.remove(&lease);
                if leases.is_empty() {
                    self.queues.remove(&queue);
                }
                before
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hearth_types::{AccountId, Region, Scope};

    use super::*;

    fn lease(id: &str) -> Lease {
        let (account, region) = (AccountId::DEFAULT, Region::default());
        Lease {
            queue: QueueName::new("q"),
            scope: Scope { account, region },
            id: id.into(),
            number: 1,
            receipt: 1,
        }
    }

    #[test]
    fn undone_changes_leave_no_trace() {
        let mut timers = Timers::default();
        let (kept, queue) = (lease("kept"), QueueName::new("q"));
        timers.set(kept.clone(), Duration::ZERO);
        timers.keep();

        timers.remove(&kept);
        let mark = timers.mark();
        timers.set(lease("refused"), Duration::ZERO);
        timers.undo_to(mark);
        assert_eq!(timers.ended(&queue), []);
        timers.undo_to(0);
        assert_eq!(timers.ended(&queue), std::slice::from_ref(&kept));

        timers.remove(&kept);
        timers.keep();
        timers.undo_to(0);
        assert!(timers.queues.is_empty());
    }
}
