//! Interpreters that are booted before anyone asks for them.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hearth_runtime::Family;
use hearth_sandbox::RuntimeIndex;

use crate::FunctionSpec;
use crate::environment::Process;

/// Kinds of environment that are kept ready at the same time; the one not asked for longest gives way.
const KINDS: usize = 8;

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

/// Booted, unclaimed environments. Each is claimed once and never comes back.
#[derive(Debug)]
pub(crate) struct Ready {
    size: usize,
    shelves: Mutex<VecDeque<Shelf>>,
}

#[derive(Debug)]
struct Shelf {
    key: ReadyKey,
    processes: Vec<Process>,
    booting: usize,
    asked: Instant,
}

impl Ready {
    /// Keeps `size` environments of each kind that was asked for lately.
    pub(crate) fn new(size: usize) -> Self {
        Self {
            size,
            shelves: Mutex::default(),
        }
    }

    /// One that is ready, if any, and how many should be booted to fill the shelf again. Each of those
    /// must end in [`Self::add`].
    pub(crate) fn take(&self, key: ReadyKey) -> (Option<Process>, usize) {
        if self.size == 0 {
            return (None, 0);
        }
        let mut shelves = self.lock();
        let shelf = match shelves.iter().position(|shelf| shelf.key == key) {
            Some(index) => shelves.remove(index).expect("the index was just found"),
            None => Shelf {
                key,
                processes: Vec::new(),
                booting: 0,
                asked: Instant::now(),
            },
        };
        shelves.push_front(shelf);
        let kept = shelves.len().min(KINDS);
        let given_way = shelves.split_off(kept);
        let shelf = &mut shelves[0];
        shelf.asked = Instant::now();
        shelf.processes.retain(Process::is_alive);
        let process = shelf.processes.pop();
        let missing = self.size.saturating_sub(shelf.processes.len() + shelf.booting);
        shelf.booting += missing;
        drop(shelves);
        drop(given_way);
        (process, missing)
    }

    /// Puts what [`Self::take`] asked for on its shelf; `None` if it could not be booted.
    pub(crate) fn add(&self, key: ReadyKey, process: Option<Process>) {
        let mut shelves = self.lock();
        if let Some(shelf) = shelves.iter_mut().find(|shelf| shelf.key == key) {
            shelf.booting = shelf.booting.saturating_sub(1);
            shelf.processes.extend(process);
        }
    }

    /// Ends the ready environments of kinds that nobody asked for during `keep_alive`.
    pub(crate) fn expire(&self, keep_alive: Duration) {
        let mut shelves = self.lock();
        let fresh = shelves.partition_point(|shelf| shelf.asked.elapsed() < keep_alive);
        let ended = shelves.split_off(fresh);
        drop(shelves);
        drop(ended);
    }

    /// Ends the ready environments of the kind not asked for longest; whether there were any.
    pub(crate) fn evict_oldest(&self) -> bool {
        let mut shelves = self.lock();
        let oldest = shelves.iter_mut().rev().find(|shelf| !shelf.processes.is_empty());
        let ended = oldest.map(|shelf| std::mem::take(&mut shelf.processes));
        drop(shelves);
        ended.is_some()
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().iter().map(|shelf| shelf.processes.len()).sum()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Shelf>> {
        self.shelves.lock().expect("no holder of this lock panics")
    }
}
