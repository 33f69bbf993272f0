//! Room for new environments on this node.
//!
//! What counts is the memory the kernel says is available, not what functions declare: a thousand functions of 128 MB
//! that use 10 MB each fit a small machine. Starts under way are expected to take what environments of their function
//! were seen to take, and a little more: all those of a burst find the same memory free.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Mutex as Queue;
use tokio::time::{Instant, sleep};

use crate::Node;

/// How long a start waits for room, while none finds any, before the invocation is throttled.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a waiting start looks again.
pub(crate) const INTERVAL: Duration = Duration::from_millis(20);
/// What the first environment of a function is expected to take.
const UNKNOWN: u64 = 32 << 20;

/// The memory of a node.
pub(crate) struct Room {
    node: Arc<dyn Node>,
    /// Bytes that new environments must leave free.
    reserve: u64,
    /// What starts under way are expected to take.
    pledged: Arc<AtomicU64>,
    /// Starts look for room one after the other.
    queue: Queue<()>,
    /// When one found room.
    found: Mutex<Option<Instant>>,
}

/// Memory kept for a start, until that is over and what it takes is taken.
#[derive(Debug)]
pub(crate) struct Pledge {
    bytes: u64,
    pledged: Arc<AtomicU64>,
}

impl Room {
    pub(crate) fn new(node: Arc<dyn Node>, reserve_mb: u64) -> Self {
        Self {
            node,
            reserve: reserve_mb << 20,
            pledged: Arc::default(),
            queue: Queue::default(),
            found: Mutex::default(),
        }
    }

    /// Waits for room for an environment of a function whose environments were seen to take `charge` bytes, ending idle
    /// ones meanwhile. `None` if there is none for long.
    pub(crate) async fn take(
        &self,
        charge: Option<u64>,
        is_dying: impl Fn() -> bool,
        evict: impl Fn() -> bool,
    ) -> Option<Pledge> {
        let arrived = Instant::now();
        let _first = self.queue.lock().await;
        loop {
            if let Some(pledge) = self.pledge(charge) {
                *self.found.lock().expect("no holder of this lock panics") = Some(Instant::now());
                return Some(pledge);
            }
            if !may_wait(is_dying(), self.is_late(arrived), &evict) {
                return None;
            }
            sleep(INTERVAL).await;
        }
    }

    /// Whether less is available than must stay free: idle environments should go.
    pub(crate) fn is_short(&self) -> bool {
        self.node
            .available_memory()
            .is_some_and(|available| available < self.reserve)
    }

    /// Whether so many times what must stay free is available. A machine that does not tell has it.
    pub(crate) fn has_spare(&self, times: u64) -> bool {
        self.node
            .available_memory()
            .is_none_or(|available| available >= self.reserve.saturating_mul(times))
    }

    /// Keeps memory for a start, if there is enough. A machine that does not tell has room.
    fn pledge(&self, charge: Option<u64>) -> Option<Pledge> {
        let bytes = charge.map_or(UNKNOWN, |charge| charge + charge / 4);
        let available = self.node.available_memory().unwrap_or(u64::MAX);
        let taken = self.pledged.load(Relaxed).saturating_add(self.reserve);
        (available.saturating_sub(taken) >= bytes).then(|| {
            self.pledged.fetch_add(bytes, Relaxed);
            Pledge {
                bytes,
                pledged: Arc::clone(&self.pledged),
            }
        })
    }

    fn is_late(&self, arrived: Instant) -> bool {
        let found = *self.found.lock().expect("no holder of this lock panics");
        let since = found.map_or(arrived, |found| found.max(arrived));
        since.elapsed() > PATIENCE
    }
}

impl Drop for Pledge {
    fn drop(&mut self) {
        self.pledged.fetch_sub(self.bytes, Relaxed);
    }
}

/// Whether a start that finds no room may wait on. An idle environment goes for it, unless one is `dying` already, which
/// takes up to two seconds where it has extensions: else all would go before the first has given its memory back.
fn may_wait(dying: bool, late: bool, evict: impl FnOnce() -> bool) -> bool {
    if dying && !late {
        return true;
    }
    let gone = evict();
    gone || !late
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Has(AtomicU64);

    impl Node for Has {
        fn available_memory(&self) -> Option<u64> {
            Some(self.0.load(Relaxed) << 20)
        }
        fn idle_time(&self) -> Option<Duration> {
            None
        }
        fn cores(&self) -> usize {
            1
        }
    }

    fn room(available_mb: u64, reserve_mb: u64) -> (Arc<Has>, Arc<Room>) {
        let node = Arc::new(Has(AtomicU64::new(available_mb)));
        let room = Arc::new(Room::new(Arc::clone(&node) as Arc<dyn Node>, reserve_mb));
        (node, room)
    }

    const MIB: u64 = 1 << 20;

    #[test]
    fn nobody_goes_while_another_is_dying() {
        for (dying, late, idle, goes, waits) in [
            (false, false, true, true, true),
            (true, false, true, false, true),
            (true, true, true, true, true),
            (false, false, false, true, true),
            (true, true, false, true, false),
            (false, true, false, true, false),
        ] {
            let mut asked = false;
            let evict = || {
                asked = true;
                idle
            };
            assert_eq!(may_wait(dying, late, evict), waits, "{dying} {late} {idle}");
            assert_eq!(asked, goes, "{dying} {late} {idle}");
        }
    }

    #[test]
    fn a_burst_does_not_count_on_the_same_memory() {
        let (_, room) = room(200, 50);
        // 40 MB with what is added for safety.
        let pledges: Vec<_> = (0..5).map_while(|_| room.pledge(Some(32 * MIB))).collect();
        assert_eq!(pledges.len(), 3);
        drop(pledges);
        assert!(room.pledge(Some(120 * MIB)).is_some());
        assert!(room.pledge(Some(121 * MIB)).is_none());
    }

    #[test]
    fn memory_is_short_below_the_reserve() {
        let (node, room) = room(50, 50);
        assert!(!room.is_short());
        node.0.store(49, Relaxed);
        assert!(room.is_short() && !room.has_spare(1));
        node.0.store(100, Relaxed);
        assert!(room.has_spare(2) && !room.has_spare(3));
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_room_waits_until_there_is_some() {
        let (node, room) = room(50, 50);
        let waits = {
            let room = Arc::clone(&room);
            tokio::spawn(async move { room.take(Some(MIB), || false, || false).await })
        };
        sleep(PATIENCE / 2).await;
        assert!(!waits.is_finished());
        node.0.store(100, Relaxed);
        assert!(waits.await.unwrap().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn all_give_up_when_nobody_has_found_room_for_long() {
        let (_, room) = room(50, 50);
        let begun = Instant::now();
        let waits = (0..3).map(|_| {
            let room = Arc::clone(&room);
            tokio::spawn(async move { room.take(Some(MIB), || false, || false).await.is_none() })
        });
        for waits in waits.collect::<Vec<_>>() {
            assert!(waits.await.unwrap());
        }
        assert!(begun.elapsed() < PATIENCE + 2 * INTERVAL);
    }
}
