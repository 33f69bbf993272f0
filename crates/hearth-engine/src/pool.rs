//! The idle environments of one revision.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use hearth_sandbox::{Code, FolderIndex};

use crate::environment::Environment;

/// Idle environments, newest last: the newest is reused first, so that the oldest can go.
#[derive(Debug)]
pub(crate) struct Pool {
    /// The code, which may change while the revision stays.
    code: Code,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    retired: bool,
    /// Grows whenever the code has changed.
    generation: u64,
    idle: Vec<Idle>,
}

#[derive(Debug)]
struct Idle {
    environment: Environment,
    since: Instant,
}

impl Pool {
    pub(crate) fn new(code: Code) -> Self {
        Self {
            code,
            state: Mutex::default(),
        }
    }

    /// Whether it runs the code in this folder.
    pub(crate) fn runs(&self, folder: FolderIndex) -> bool {
        self.code == Code::Folder(folder)
    }

    /// The generation of the code that an environment which starts now runs.
    pub(crate) fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// The code has changed: ends all idle environments, and takes those that started before not back.
    pub(crate) fn renew(&self) {
        let ended = {
            let mut state = self.lock();
            state.generation += 1;
            std::mem::take(&mut state.idle)
        };
        drop(ended);
    }

    /// The most recently used idle environment that still lives.
    pub(crate) fn take(&self) -> Option<Environment> {
        loop {
            let idle = self.lock().idle.pop()?;
            if idle.environment.is_alive() {
                return Some(idle.environment);
            }
        }
    }

    /// Gives an environment back; one of old code, or of a retired pool, ends instead.
    pub(crate) fn put(&self, environment: Environment) {
        let idle = Idle {
            environment,
            since: Instant::now(),
        };
        let mut state = self.lock();
        if !state.retired && idle.environment.generation == state.generation {
            state.idle.push(idle);
        }
    }

    /// Ends all idle environments and takes none back from now on.
    pub(crate) fn retire(&self) {
        let ended = {
            let mut state = self.lock();
            state.retired = true;
            std::mem::take(&mut state.idle)
        };
        drop(ended);
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.lock().retired
    }

    pub(crate) fn idle_count(&self) -> usize {
        self.lock().idle.len()
    }

    /// Ends environments that were idle for `keep_alive`, have reached `lifetime`, or died.
    pub(crate) fn expire(&self, keep_alive: Duration, lifetime: Duration) {
        let mut ended = Vec::new();
        let mut state = self.lock();
        let fresh = |idle: &mut Idle| {
            idle.since.elapsed() < keep_alive
                && idle.environment.age() < lifetime
                && idle.environment.is_alive()
        };
        let mut index = 0;
        while index < state.idle.len() {
            if fresh(&mut state.idle[index]) {
                index += 1;
            } else {
                ended.push(state.idle.remove(index));
            }
        }
        drop(state);
        drop(ended);
    }

    /// When the longest idle environment became so.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.lock().idle.first().map(|idle| idle.since)
    }

    /// Ends the longest idle environment; whether there was one.
    pub(crate) fn evict_oldest(&self) -> bool {
        let mut state = self.lock();
        let ended = (!state.idle.is_empty()).then(|| state.idle.remove(0));
        drop(state);
        ended.is_some()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}
