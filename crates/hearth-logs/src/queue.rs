//! What the writer has to do next: the groups with something to write, each once, in turn.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::group::Group;

/// How long small writes may gather before they are written together.
const GATHER: Duration = Duration::from_millis(20);

/// The writer's work. Each group is in it at most once and writes one buffer per turn, so a group
/// that always has more waits behind all others.
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    ready: VecDeque<Arc<Group>>,
    asked: VecDeque<Job>,
    /// When the groups that are ready should be written.
    due: Instant,
    closed: bool,
}

/// One step of the writer.
pub(crate) enum Job {
    /// Write what the group's buffer holds.
    Write(Arc<Group>),
    /// The same before all others, and say so: someone wants to read.
    Settle(Arc<Group>, oneshot::Sender<()>),
    /// Delete what the group has, and say how that went.
    Clear(Arc<Group>, oneshot::Sender<io::Result<()>>),
    /// The time that was given has come.
    Chores,
    /// Everything is written and nothing will follow.
    Stop,
}

impl Queue {
    pub(crate) fn new() -> Self {
        let (ready, asked) = (VecDeque::new(), VecDeque::new());
        let state = State {
            ready,
            asked,
            due: Instant::now(),
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// A group has something to write.
    pub(crate) fn ready(&self, group: Arc<Group>) {
        let mut state = self.lock();
        if state.ready.is_empty() {
            state.due = Instant::now() + GATHER;
        }
        state.ready.push_back(group);
        self.changed.notify_one();
    }

    /// Nothing gathers any longer: somebody waits for room.
    pub(crate) fn press(&self) {
        self.lock().due = Instant::now();
        self.changed.notify_one();
    }

    /// Returns when everything that was in the group's buffer at the call is written or lost; `false` when the writer
    /// is gone, and with it whatever could be waited for.
    pub(crate) async fn settle(&self, group: Arc<Group>) -> bool {
        let (done, settled) = oneshot::channel();
        self.ask(Job::Settle(group, done));
        settled.await.is_ok()
    }

    /// Deletes what is in the group's buffer and its segments; `None` when the writer is gone.
    pub(crate) async fn clear(&self, group: Arc<Group>) -> Option<io::Result<()>> {
        let (done, cleared) = oneshot::channel();
        self.ask(Job::Clear(group, done));
        cleared.await.ok()
    }

    fn ask(&self, job: Job) {
        self.lock().asked.push_back(job);
        self.changed.notify_one();
    }

    /// Lets the writer stop once everything is written.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Waits for the next job, until `chores` at the latest.
    pub(crate) fn next(&self, chores: Instant) -> Job {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.asked.pop_front() {
                return job;
            }
            let now = Instant::now();
            let due = state.closed || (now >= state.due && now < chores);
            if due && let Some(group) = state.ready.pop_front() {
                return Job::Write(group);
            }
            if state.closed {
                return Job::Stop;
            }
            if now >= chores {
                return Job::Chores;
            }
            let until = if state.ready.is_empty() {
                chores
            } else {
                state.due.min(chores)
            };
            let waited = self.changed.wait_timeout(state, until - now);
            state = waited.expect("nobody panics while holding the queue").0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding the queue")
    }
}
