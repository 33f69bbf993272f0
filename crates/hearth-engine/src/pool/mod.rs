//! The environments of one revision: those that are idle, and who waits for one.

mod crowd;
mod line;
mod pick;

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hearth_sandbox::{Code, FolderIndex};
use tokio::time::{Instant, timeout};

use crate::cores::Cores;
use crate::environment::Environment;
use crate::lease::Lease;
use crate::occupied::Occupied;
use crate::scaling::{Counted, Counters, Frozen};
use crate::supply::Refusal;
use line::Seat;
pub(crate) use line::{Asked, Order, Supply};

/// Environments that are frozen while nobody else can ask for one.
const AT_ONCE: usize = 16;

type Line = line::Line<Environment, Refusal>;
type Moves = line::Moves<Environment, Refusal>;
type Waiter = line::Waiter<Environment, Refusal>;
/// The place of an invocation that waits.
pub(crate) type Place = line::Place<Environment, Refusal>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Pool {
    /// The code, which may change while the revision stays.
    code: Code,
    line: Mutex<State>,
    surroundings: Arc<Surroundings>,
}

#[derive(Debug)]
struct State {
    line: Line,
    /// Whether it is among those looked at.
    listed: bool,
    /// The most memory that an environment was seen to use lately, in bytes.
    charge: Option<u64>,
}

/// What all pools share.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) cores: Arc<Cores>,
    pub(crate) occupied: Occupied,
    pub(crate) counters: Arc<Counters>,
}

impl Seat for Environment {
    fn generation(&self) -> u64 {
        self.generation
    }

    fn is_alive(&self) -> bool {
        self.process.is_alive()
    }
}

impl Pool {
    pub(crate) fn new(code: Code, surroundings: Arc<Surroundings>) -> Self {
        let state = State {
            line: Line::new(Arc::clone(&surroundings.cores)),
            listed: false,
            charge: None,
        };
        Self {
            code,
            line: Mutex::new(state),
            surroundings,
        }
    }

    /// Whether it runs the code in this folder.
    pub(crate) fn runs(&self, folder: FolderIndex) -> bool {
        self.code == Code::Folder(folder)
    }

    /// An environment for an invocation of this trace, or a place among those that wait and perhaps a start that is to
    /// be made. `since` is when it asked first, if it asks again.
    pub(crate) fn ask(
        self: &Arc<Self>,
        trace: Option<u64>,
        since: Option<Instant>,
    ) -> (Asked<Environment, Refusal>, Option<Order>) {
        let now = Instant::now();
        let (asked, moves) = {
            let mut state = self.lock();
            if !std::mem::replace(&mut state.listed, true) {
                self.surroundings.occupied.add(self);
            }
            state.line.ask(trace, since, now)
        };
        let order = self.follow(moves);
        let asked = match asked {
            Asked::Given(environment) => Asked::Given(self.lend(environment, trace, now)),
            waits @ Asked::Waits(_) => waits,
        };
        (asked, order)
    }

    /// Waits in a place. `None` when the patience is over.
    pub(crate) async fn wait(&self, place: &mut Place) -> Option<Supply<Environment, Refusal>> {
        let _waiting = Counted::new(&self.surroundings.counters.waiting);
        match timeout(place.patience, &mut place.answer).await {
            Ok(supply) => Some(supply.unwrap_or(Supply::Again)),
            Err(_) => None,
        }
    }

    /// Does something about an invocation that has waited long; perhaps a start is to be made.
    pub(crate) fn overdue(self: &Arc<Self>, place: &Place) -> Option<Order> {
        let moves = self.lock().line.overdue(place.ticket, Instant::now());
        self.follow(moves)
    }

    /// An invocation waits no more.
    pub(crate) fn leave(self: &Arc<Self>, place: &mut Place) {
        self.lock().line.leave(place.ticket);
        place.answer.close();
        // What came at the last moment goes to another.
        if let Ok(Supply::Environment(environment)) = place.answer.try_recv() {
            self.put(environment);
        }
    }

    /// An environment that is not from here begins with an invocation of this trace.
    pub(crate) fn enlist(self: &Arc<Self>, environment: Environment, trace: Option<u64>) -> Environment {
        self.lock().line.enlist(environment.generation, trace);
        self.lend(environment, trace, Instant::now())
    }

    /// Gives an environment back; one of old code, or of a retired pool, ends when nobody waits for it.
    pub(crate) fn put(self: &Arc<Self>, mut environment: Environment) {
        let now = Instant::now();
        let lease = environment.lease.take();
        let moves = {
            let line = &mut self.lock().line;
            if let Some((generation, trace, took)) = lease.and_then(|lease| lease.end(now)) {
                line.ended(generation, trace, took, now);
            }
            line.place(environment, now)
        };
        self.follow(moves);
    }

    /// The environment of an invocation is no more.
    pub(crate) fn lost(self: &Arc<Self>, generation: u64, trace: Option<u64>, took: Duration) {
        let moves = {
            let line = &mut self.lock().line;
            line.ended(generation, trace, took, Instant::now());
            line.rescue()
        };
        self.follow(moves);
    }

    /// A start has led to an environment, in the time that it took once it had begun.
    pub(crate) fn started(self: &Arc<Self>, order: &Order, environment: Environment, took: Duration) {
        let charge = environment.process.peak_memory_bytes();
        let moves = {
            let mut state = self.lock();
            state.charge = Some(state.charge.map_or(charge, |known| known.max(charge)));
            let owner = state.line.started(order, Some(took));
            state.line.add(environment, owner, Instant::now())
        };
        self.follow(moves);
    }

    /// A start has failed, which the invocation is told that it was made for. Gives the reason back if there is none.
    pub(crate) fn failed(self: &Arc<Self>, order: &Order, why: Refusal) -> Option<Refusal> {
        let (waiter, moves) = {
            let line = &mut self.lock().line;
            let owner = line.started(order, None);
            (owner.and_then(|owner| line.failed(owner)), line.rescue())
        };
        self.follow(moves);
        let Some(waiter) = waiter else { return Some(why) };
        match waiter.answer.send(Supply::Refused(why)) {
            Err(Supply::Refused(why)) => Some(why),
            _ => None,
        }
    }

    /// A start is given up.
    pub(crate) fn given_up(self: &Arc<Self>, order: &Order) {
        let moves = {
            let line = &mut self.lock().line;
            line.started(order, None);
            line.rescue()
        };
        self.follow(moves);
    }

    /// Whether an environment will be free without a start.
    pub(crate) fn has_active(&self) -> bool {
        self.lock().line.has_active()
    }

    /// The memory that a new environment is expected to take, in bytes, if that was measured.
    pub(crate) fn charge(&self) -> Option<u64> {
        self.lock().charge
    }

    /// The code has changed: ends all idle environments, and takes those that started before not back.
    pub(crate) fn renew(self: &Arc<Self>) {
        let moves = self.lock().line.renew();
        self.follow(moves);
    }

    /// Ends all idle environments, and keeps none from now on.
    pub(crate) fn retire(&self) {
        let ended = {
            let line = &mut self.lock().line;
            line.retired = true;
            line.end_all()
        };
        drop(ended);
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.lock().line.retired
    }

    pub(crate) fn idle_count(&self) -> usize {
        self.lock().line.idle.len()
    }

    /// Ends environments that were idle for `keep_alive`, have reached `lifetime`, or died. A pool that has nothing left
    /// is not looked at again until somebody asks for an environment.
    pub(crate) fn expire(self: &Arc<Self>, keep_alive: Duration, lifetime: Duration) {
        let mut ended = Vec::new();
        let mut state = self.lock();
        let idle = &mut state.line.idle;
        let fresh = |idle: &line::Idle<Environment>| {
            idle.since.elapsed() < keep_alive
                && idle.environment.age() < lifetime
                && idle.environment.is_alive()
        };
        let mut index = 0;
        while index < idle.len() {
            if fresh(&idle[index]) {
                index += 1;
            } else {
                ended.push(idle.remove(index));
            }
        }
        if state.line.is_empty() {
            state.listed = false;
            self.surroundings.occupied.remove(self);
        }
        drop(state);
        self.surroundings
            .counters
            .expired
            .fetch_add(ended.len() as u64, Relaxed);
        drop(ended);
    }

    /// Freezes environments that have been idle for a while; some of them, if there are many. Whether there may be more.
    /// What they take by then is what the next one is expected to take.
    pub(crate) fn freeze(&self) -> bool {
        let state = &mut *self.lock();
        let ripe = |idle: &&mut line::Idle<Environment>| {
            !idle.settled && idle.since.elapsed() >= idle.environment.stays_awake()
        };
        let mut count = 0;
        for idle in state.line.idle.iter_mut().filter(ripe).take(AT_ONCE) {
            let process = &mut idle.environment.process;
            idle.settled = true;
            state.charge = state.charge.max(Some(process.peak_memory_bytes()));
            process.freeze(|| Frozen::new(&self.surroundings.counters));
            count += 1;
        }
        count == AT_ONCE
    }

    /// When the longest idle environment became so.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.lock().line.idle.first().map(|idle| idle.since)
    }

    /// Ends the longest idle environment; whether there was one.
    pub(crate) fn evict_oldest(&self) -> bool {
        let mut state = self.lock();
        let idle = &mut state.line.idle;
        let ended = (!idle.is_empty()).then(|| idle.remove(0));
        drop(state);
        ended.is_some()
    }

    fn lend(self: &Arc<Self>, mut environment: Environment, trace: Option<u64>, now: Instant) -> Environment {
        let generation = environment.generation;
        environment.process.thaw();
        environment.lease = Some(Lease::new(Arc::clone(self), generation, trace, now));
        environment
    }

    /// Does what is to be done without the lock. The start that is to be made is the caller's.
    fn follow(self: &Arc<Self>, moves: Moves) -> Option<Order> {
        let Moves {
            handed,
            again,
            over,
            order,
        } = moves;
        for (waiter, environment) in handed {
            self.hand(waiter, environment);
        }
        for waiter in again {
            // One that has left needs nothing.
            let _ = waiter.answer.send(Supply::Again);
        }
        drop(over);
        order
    }

    fn hand(self: &Arc<Self>, waiter: Waiter, environment: Environment) {
        let now = Instant::now();
        let wait = now.saturating_duration_since(waiter.since);
        self.surroundings.counters.waited(wait);
        let environment = self.lend(environment, waiter.trace(), now);
        if let Err(Supply::Environment(environment)) = waiter.answer.send(Supply::Environment(environment)) {
            self.put(environment);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.line.lock().expect("no holder of this lock panics")
    }
}
