//! Interpreters that are booted before anyone asks for them.
//!
//! How many of a kind follows from what was asked for: as many as were taken before they could be replaced, less and less
//! when that does not happen again, and never fewer than the setting says. See [`crate::refill`] for when they boot.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use hearth_runtime::Family;
use hearth_sandbox::RuntimeIndex;
use tokio::time::Instant;

use crate::FunctionSpec;
use crate::environment::Process;

/// Kinds of environment that are kept ready at the same time; the one not asked for longest gives way.
const KINDS: usize = 8;
/// Most environments of a kind that are kept ready on their own account, whatever was asked for at once.
const MOST: usize = 16;
/// How long a number that was asked for at once is kept ready before it is halved.
const REMEMBERED: Duration = Duration::from_secs(60);

/// What makes two unclaimed environments interchangeable. Memory is part of it because an interpreter's
/// heap limit is fixed when it boots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadyKey {
    pub(crate) family: Family,
    pub(crate) runtime: RuntimeIndex,
    pub(crate) memory_mb: u32,
}

impl ReadyKey {
    /// What a function needs.
    pub(crate) fn of(spec: &FunctionSpec) -> Self {
        Self {
            family: spec.runtime.family,
            runtime: spec.runtime.index,
            memory_mb: spec.memory_mb,
        }
    }
}

/// Says that a kind is in use, for as long as it exists.
#[derive(Debug)]
pub(crate) struct InUse;

/// One that should be booted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) key: ReadyKey,
    /// Whether it is one of those that the setting asks for.
    pub(crate) is_due: bool,
}

/// Booted, unclaimed environments. Each is claimed once and never comes back.
#[derive(Debug)]
pub(crate) struct Ready<T = Process> {
    /// As many of each kind at least.
    least: usize,
    shelves: Mutex<VecDeque<Shelf<T>>>,
}

/// Something that may have ended by itself.
pub(crate) trait Mortal {
    fn is_alive(&self) -> bool;
}

impl Mortal for Process {
    fn is_alive(&self) -> bool {
        Process::is_alive(self)
    }
}

#[derive(Debug)]
struct Shelf<T> {
    key: ReadyKey,
    processes: Vec<T>,
    /// As many should stand here.
    wanted: usize,
    /// As many were asked for since they did.
    taken: usize,
    /// When so many were last asked for.
    since: Instant,
    asked: Instant,
    in_use: Weak<InUse>,
}

impl<T: Mortal> Ready<T> {
    /// Keeps at least `least` environments of each kind in use; none at all if that is 0.
    pub(crate) fn new(least: usize) -> Self {
        Self {
            least,
            shelves: Mutex::default(),
        }
    }

    /// One that is ready, if any.
    pub(crate) fn take(&self, key: ReadyKey) -> Option<T> {
        if self.least == 0 {
            return None;
        }
        let mut shelves = self.lock();
        let shelf = match shelves.iter().position(|shelf| shelf.key == key) {
            Some(index) => shelves.remove(index).expect("the index was just found"),
            None => Shelf::new(key),
        };
        shelves.push_front(shelf);
        let kept = shelves.len().min(KINDS);
        let given_way = shelves.split_off(kept);
        let taken = shelves[0].take(self.least);
        drop(shelves);
        drop(given_way);
        taken
    }

    /// A function of this kind is there: it is in use as long as the result is kept. Takes nobody's place.
    pub(crate) fn expect(&self, key: ReadyKey) -> Option<Arc<InUse>> {
        if self.least == 0 {
            return None;
        }
        let mut shelves = self.lock();
        let shelf = match shelves.iter().position(|shelf| shelf.key == key) {
            Some(index) => &mut shelves[index],
            None if shelves.len() < KINDS => {
                shelves.push_back(Shelf::new(key));
                shelves.back_mut()?
            }
            None => return None,
        };
        shelf.wanted = shelf.wanted.max(self.least);
        let in_use = shelf.in_use.upgrade().unwrap_or_else(|| Arc::new(InUse));
        shelf.in_use = Arc::downgrade(&in_use);
        Some(in_use)
    }

    /// What should be booted next, if anything.
    pub(crate) fn missing(&self) -> Option<Missing> {
        let mut shelves = self.lock();
        shelves.iter_mut().for_each(Shelf::bury);
        let shelf = shelves.iter().find(|shelf| shelf.is_short())?;
        Some(Missing {
            key: shelf.key,
            is_due: shelf.processes.len() < self.least,
        })
    }

    /// Puts a booted one on its shelf.
    pub(crate) fn add(&self, key: ReadyKey, process: T) {
        let mut shelves = self.lock();
        if let Some(shelf) = shelves.iter_mut().find(|shelf| shelf.key == key) {
            shelf.processes.push(process);
            if !shelf.is_short() {
                shelf.taken = 0;
            }
        }
    }

    /// There is no room for more than there are.
    pub(crate) fn make_do(&self, key: ReadyKey) {
        let mut shelves = self.lock();
        if let Some(shelf) = shelves.iter_mut().find(|shelf| shelf.key == key) {
            shelf.wanted = shelf.processes.len();
            shelf.taken = 0;
        }
    }

    /// Ends those that are not needed any more: of kinds that are not in use and that nobody asked for during
    /// `keep_alive`, and of those that were needed for a while.
    pub(crate) fn expire(&self, keep_alive: Duration) {
        let mut shelves = self.lock();
        let mut ended = Vec::new();
        shelves.retain_mut(|shelf| {
            let stays = shelf.in_use.strong_count() > 0 || shelf.asked.elapsed() < keep_alive;
            let least = if stays { self.least } else { 0 };
            ended.append(&mut shelf.shrink(least));
            if !stays {
                ended.append(&mut shelf.processes);
            }
            stays
        });
        drop(shelves);
        drop(ended);
    }

    /// Ends the ready environments of the kind not asked for longest; whether there were any. They come back when
    /// somebody asks.
    pub(crate) fn evict_oldest(&self) -> bool {
        let mut shelves = self.lock();
        let oldest = shelves.iter_mut().rev().find(|shelf| !shelf.processes.is_empty());
        let ended = oldest.map(|shelf| {
            shelf.wanted = 0;
            std::mem::take(&mut shelf.processes)
        });
        drop(shelves);
        ended.is_some()
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().iter().map(|shelf| shelf.processes.len()).sum()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Shelf<T>>> {
        self.shelves.lock().expect("no holder of this lock panics")
    }
}

impl<T: Mortal> Shelf<T> {
    fn new(key: ReadyKey) -> Self {
        Self {
            key,
            processes: Vec::new(),
            wanted: 0,
            taken: 0,
            since: Instant::now(),
            asked: Instant::now(),
            in_use: Weak::new(),
        }
    }

    fn take(&mut self, least: usize) -> Option<T> {
        self.asked = Instant::now();
        self.taken += 1;
        let at_once = self.taken.min(MOST).max(least);
        if at_once >= self.wanted {
            self.wanted = at_once;
            self.since = self.asked;
        }
        self.bury();
        self.processes.pop()
    }

    /// Forgets those that have ended by themselves.
    fn bury(&mut self) {
        self.processes.retain(T::is_alive);
    }

    fn is_short(&self) -> bool {
        self.processes.len() < self.wanted
    }

    /// Wants half as many when the number was not asked for in a while. Gives those that are too many, oldest first.
    fn shrink(&mut self, least: usize) -> Vec<T> {
        if self.wanted > least && self.since.elapsed() >= REMEMBERED {
            self.wanted = (self.wanted / 2).max(least);
            self.since = Instant::now();
        }
        let surplus = self.processes.len().saturating_sub(self.wanted);
        self.processes.drain(..surplus).collect()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    struct Interpreter(bool);

    impl Mortal for Interpreter {
        fn is_alive(&self) -> bool {
            self.0
        }
    }

    fn key(runtime: u16) -> ReadyKey {
        ReadyKey {
            family: Family::Python,
            runtime: RuntimeIndex(runtime),
            memory_mb: 128,
        }
    }

    /// Boots what is missing; how much that was.
    fn refill(ready: &Ready<Interpreter>) -> usize {
        let mut booted = 0;
        while let Some(missing) = ready.missing() {
            ready.add(missing.key, Interpreter(true));
            booted += 1;
        }
        booted
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_are_kept_as_were_asked_for_at_once_and_fewer_with_time() {
        let ready = Ready::new(1);
        let _in_use = ready.expect(key(0));
        assert_eq!(refill(&ready), 1);
        for _ in 0..5 {
            assert!(ready.take(key(0)).is_some());
            assert_eq!(refill(&ready), 1, "one after the other is not at once");
        }
        let at_once = (0..6).filter_map(|_| ready.take(key(0))).count();
        assert_eq!((at_once, refill(&ready)), (1, 6));
        for left in [3, 1, 1] {
            advance(REMEMBERED).await;
            ready.expire(REMEMBERED);
            assert_eq!((ready.count(), ready.missing()), (left, None));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_burst_asks_for_more_than_the_most() {
        let ready = Ready::new(1);
        (0..1000).for_each(|_| assert!(ready.take(key(0)).is_none()));
        assert_eq!(refill(&ready), MOST);
        assert!(ready.missing().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_kind_in_use_stays_and_others_expire() {
        let ready = Ready::new(1);
        let in_use = ready.expect(key(0));
        assert!(ready.take(key(1)).is_none());
        assert_eq!(refill(&ready), 2);
        let keep_alive = Duration::from_secs(5);
        advance(keep_alive).await;
        ready.expire(keep_alive);
        assert_eq!((ready.count(), ready.missing()), (1, None));
        drop(in_use);
        ready.expire(keep_alive);
        assert_eq!(ready.count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_evicted_or_finds_no_room_comes_back_when_it_is_asked_for() {
        let ready = Ready::new(1);
        let _in_use = ready.expect(key(0));
        assert_eq!(refill(&ready), 1);
        assert!(ready.evict_oldest() && !ready.evict_oldest());
        assert!(ready.missing().is_none());
        assert!(ready.take(key(0)).is_none());
        ready.make_do(key(0));
        assert!(ready.missing().is_none());
        assert!(ready.take(key(0)).is_none());
        assert_eq!(refill(&ready), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_dead_are_replaced_and_not_handed_out() {
        let ready = Ready::new(1);
        let _in_use = ready.expect(key(0));
        ready.add(key(0), Interpreter(false));
        assert_eq!(refill(&ready), 1);
        ready.add(key(0), Interpreter(false));
        assert!(ready.take(key(0)).is_some_and(|interpreter| interpreter.0));
    }

    #[tokio::test(start_paused = true)]
    async fn kinds_are_bounded_and_those_that_are_asked_for_go_first() {
        let ready = Ready::<Interpreter>::new(1);
        let expected: Vec<_> = (0..20).filter_map(|kind| ready.expect(key(kind))).collect();
        assert_eq!((expected.len(), refill(&ready)), (KINDS, KINDS));
        assert!(ready.take(key(19)).is_none());
        assert_eq!(ready.missing().map(|missing| missing.key), Some(key(19)));
        assert_eq!((refill(&ready), ready.count()), (1, KINDS));
    }

    #[test]
    fn none_are_kept_where_none_are_wanted() {
        let ready = Ready::<Interpreter>::new(0);
        assert!(ready.expect(key(0)).is_none() && ready.take(key(0)).is_none() && ready.missing().is_none());
    }
}
