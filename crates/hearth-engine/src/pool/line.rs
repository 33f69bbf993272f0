//! The idle environments of a revision, and the invocations that wait for one.
//!
//! Invocations bind late: whichever environment is free first takes the one that has waited longest, whether it was
//! started for it or for another. A start belongs to the invocation that it is made for until another environment takes
//! that; then it belongs to one that still waits.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::crowd::{self, Crowd};
use super::pick::{self, Pick, Situation};
use crate::average::Average;
use crate::cores::Cores;

/// The shortest time after which it is looked again whether an invocation waits too long.
const TICK: Duration = Duration::from_millis(1);

/// What the line knows of an environment.
pub(crate) trait Seat {
    /// The generation of the code that it runs.
    fn generation(&self) -> u64;
    /// Whether it has not ended.
    fn is_alive(&self) -> bool;
}

/// What an invocation that waits is told.
#[derive(Debug)]
pub(crate) enum Supply<E, R> {
    /// Here is its environment.
    Environment(E),
    /// The start made for it has failed.
    Refused(R),
    /// What it has waited for will not come; it must ask again.
    Again,
}

/// An invocation that waits.
#[derive(Debug)]
pub(crate) struct Waiter<E, R> {
    ticket: u64,
    /// Of the code when it came: it runs no older one.
    generation: u64,
    trace: Option<u64>,
    pub(crate) since: Instant,
    pub(crate) answer: oneshot::Sender<Supply<E, R>>,
    start: Option<Wanted>,
}

/// Held by the invocation that a start is made for; without it nobody needs the start.
#[derive(Debug)]
struct Wanted {
    start: u64,
    by: oneshot::Sender<()>,
}

/// The place of an invocation that waits.
#[derive(Debug)]
pub(crate) struct Place<E, R> {
    pub(crate) ticket: u64,
    pub(crate) since: Instant,
    pub(crate) answer: oneshot::Receiver<Supply<E, R>>,
    /// When it has waited so long, something must be done (see [`Line::overdue`]).
    pub(crate) patience: Duration,
}

/// A start that is to be made.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) start: u64,
    /// Of the code that it starts with.
    pub(crate) generation: u64,
    /// Closed when nobody needs it any more.
    unwanted: oneshot::Receiver<()>,
}

impl Order {
    /// Resolves when nobody needs it any more; to be waited for no more then.
    pub(crate) async fn unwanted(&mut self) {
        let _ = (&mut self.unwanted).await;
    }
}

/// What became of an invocation that asked.
#[derive(Debug)]
pub(crate) enum Asked<E, R> {
    /// It has its environment.
    Given(E),
    /// It waits.
    Waits(Place<E, R>),
}

/// What is to be done outside the lock.
#[derive(Debug)]
pub(crate) struct Moves<E, R> {
    /// An environment is handed to one that waits.
    pub(crate) handed: Option<(Waiter<E, R>, E)>,
    /// One that waits must ask again.
    pub(crate) again: Vec<Waiter<E, R>>,
    /// Environments that end.
    pub(crate) over: Vec<E>,
    /// A start is to be made.
    pub(crate) order: Option<Order>,
}

impl<E, R> Default for Moves<E, R> {
    fn default() -> Self {
        Self {
            handed: None,
            again: Vec::new(),
            over: Vec::new(),
            order: None,
        }
    }
}

/// See the module. `E` is an environment, `R` why there is none.
#[derive(Debug)]
pub(crate) struct Line<E, R> {
    cores: Arc<Cores>,
    pub(super) retired: bool,
    /// Grows whenever the code has changed.
    pub(super) generation: u64,
    /// The newest last: it is reused first, so that the oldest can go.
    pub(super) idle: Vec<Idle<E>>,
    waiting: VecDeque<Waiter<E, R>>,
    /// Environments of this generation that run invocations, and that are being started.
    active: usize,
    starting: usize,
    /// The traces of the invocations that run.
    traces: Vec<u64>,
    takes: Average,
    start: Average,
    crowd: Crowd,
    /// Numbers tickets and starts.
    last: u64,
}

#[derive(Debug)]
pub(super) struct Idle<E> {
    pub(super) environment: E,
    pub(super) since: Instant,
}

impl<E: Seat, R> Line<E, R> {
    pub(crate) fn new(cores: Arc<Cores>) -> Self {
        Self {
            cores,
            retired: false,
            generation: 0,
            idle: Vec::new(),
            waiting: VecDeque::new(),
            active: 0,
            starting: 0,
            traces: Vec::new(),
            takes: Average::default(),
            start: Average::default(),
            crowd: Crowd::default(),
            last: 0,
        }
    }

    /// An invocation of this trace needs an environment; it has waited since `since` if it asks again. One whose trace
    /// runs here already may have been called by what runs: it waits for nobody, and nobody goes before it.
    pub(crate) fn ask(
        &mut self,
        trace: Option<u64>,
        since: Option<Instant>,
        now: Instant,
    ) -> (Asked<E, R>, Moves<E, R>) {
        let nested = trace.is_some_and(|trace| self.traces.contains(&trace));
        let mut moves = Moves::default();
        let pick = self.pick(nested, now, &mut moves.over);
        if pick == Pick::Wake && (nested || self.waiting.is_empty()) {
            if let Some(idle) = self.idle.pop() {
                self.activate(trace);
                return (Asked::Given(idle.environment), moves);
            }
        }
        let place = self.enqueue(trace, since, nested, now);
        match pick {
            Pick::Wait => {}
            Pick::Wake => moves.handed = self.wake(),
            Pick::Start => moves.order = self.order(place.ticket),
        }
        (Asked::Waits(place), moves)
    }

    fn pick(&mut self, nested: bool, now: Instant, dead: &mut Vec<E>) -> Pick {
        while let Some(idle) = self.idle.pop_if(|idle| !idle.environment.is_alive()) {
            dead.push(idle.environment);
        }
        let idle = !self.idle.is_empty();
        if nested {
            return if idle { Pick::Wake } else { Pick::Start };
        }
        let situation = Situation {
            waiting: self.waiting.len(),
            active: self.active,
            starting: self.starting,
            idle,
            takes: self.takes.get(),
            start: self.start.get(),
            cap: self.crowd.cap(now),
        };
        situation.pick()
    }

    fn enqueue(
        &mut self,
        trace: Option<u64>,
        since: Option<Instant>,
        first: bool,
        now: Instant,
    ) -> Place<E, R> {
        let (answer, told) = oneshot::channel();
        let (ticket, since_when) = (self.number(), since.unwrap_or(now));
        let waiter = Waiter {
            ticket,
            generation: self.generation,
            trace,
            since: since_when,
            answer,
            start: None,
        };
        match first || since.is_some() {
            true => self.waiting.push_front(waiter),
            false => self.waiting.push_back(waiter),
        }
        Place {
            ticket,
            since: since_when,
            answer: told,
            patience: self.patience(now),
        }
    }

    /// How long one may wait before it is looked whether it waits too long.
    fn patience(&self, now: Instant) -> Duration {
        match (self.crowd.cap(now), self.idle.is_empty()) {
            (usize::MAX, true) => pick::patience(self.start.get()).max(TICK),
            (usize::MAX, false) => TICK,
            _ => crowd::STALE,
        }
    }

    /// An invocation has lost its patience: it gets an idle environment, or a start of its own, whatever was predicted.
    /// Unless the cores are busy with its like, and one after the other ends.
    pub(crate) fn overdue(&mut self, ticket: u64, now: Instant) -> Moves<E, R> {
        let mut moves = Moves::default();
        if self.active < self.crowd.cap(now) && self.waits(ticket) {
            match self.idle.is_empty() {
                false => moves.handed = self.wake(),
                true => moves.order = self.order(ticket),
            }
        }
        moves
    }

    fn waits(&self, ticket: u64) -> bool {
        self.waiting.iter().any(|waiter| waiter.ticket == ticket)
    }

    /// Begins a start for one that waits, if it has none.
    fn order(&mut self, ticket: u64) -> Option<Order> {
        let start = self.number();
        let waiter = self.waiting.iter_mut().find(|waiter| waiter.ticket == ticket)?;
        if waiter.has_start() {
            return None;
        }
        let (by, unwanted) = oneshot::channel();
        waiter.start = Some(Wanted { start, by });
        self.starting += 1;
        Some(Order {
            start,
            generation: self.generation,
            unwanted,
        })
    }

    /// Hands an idle environment to the one that has waited longest.
    fn wake(&mut self) -> Option<(Waiter<E, R>, E)> {
        let idle = self.idle.pop()?;
        let Some(waiter) = self.waiting.pop_front() else {
            self.idle.push(idle);
            return None;
        };
        self.activate(waiter.trace);
        Some((waiter, idle.environment))
    }

    fn activate(&mut self, trace: Option<u64>) {
        self.active += 1;
        self.traces.extend(trace);
    }

    /// An environment of the line's own generation begins with an invocation that has not asked for it here.
    pub(crate) fn enlist(&mut self, generation: u64, trace: Option<u64>) {
        self.activate(trace);
        if generation != self.generation {
            self.active -= 1;
        }
    }

    /// An invocation has left the environment that it had for `took`. [`Self::place`] or [`Self::rescue`] must follow.
    pub(crate) fn ended(&mut self, generation: u64, trace: Option<u64>, took: Duration, now: Instant) {
        self.takes.add(took);
        if let Some(index) = self.traces.iter().position(|running| Some(*running) == trace) {
            self.traces.swap_remove(index);
        }
        if generation == self.generation {
            self.active -= 1;
            self.crowd.ended(now, self.active, &self.cores);
        }
    }

    /// A start is over that took `took`, if it has led to an environment. [`Self::place`] or [`Self::rescue`] must
    /// follow.
    pub(crate) fn started(&mut self, generation: u64, took: Option<Duration>) {
        if generation == self.generation {
            self.starting -= 1;
        }
        if let Some(took) = took {
            self.start.add(took);
        }
    }

    /// An environment is free: of an invocation, or from the start with this number.
    pub(crate) fn place(&mut self, environment: E, start: Option<u64>, now: Instant) -> Moves<E, R> {
        let (alive, generation) = (environment.is_alive(), environment.generation());
        let crowded = start.is_none() && self.active >= self.crowd.cap(now);
        if alive
            && !crowded
            && let Some(waiter) = self.take_first(generation)
        {
            let waiter = self.pass_on(waiter, start);
            self.enlist(generation, waiter.trace);
            return Moves {
                handed: Some((waiter, environment)),
                ..Moves::default()
            };
        }
        let mut over = Vec::new();
        match alive && !self.retired && generation == self.generation {
            true => self.idle.push(Idle {
                environment,
                since: now,
            }),
            false => over.push(environment),
        }
        Moves {
            over,
            ..self.rescue()
        }
    }

    /// The one that has waited longest and may run the code of this generation.
    fn take_first(&mut self, generation: u64) -> Option<Waiter<E, R>> {
        let first = self
            .waiting
            .iter()
            .position(|waiter| waiter.generation <= generation)?;
        self.waiting.remove(first)
    }

    /// The environment of a start goes to this one. If it was made for another, that gets what was made for this one.
    fn pass_on(&mut self, mut waiter: Waiter<E, R>, start: Option<u64>) -> Waiter<E, R> {
        if let Some(start) = start
            && !waiter.owns(start)
            && let Some(other) = self.waiting.iter_mut().find(|other| other.owns(start))
        {
            other.start = waiter.start.take();
        }
        waiter
    }

    /// When nothing is under way that frees an environment, but somebody waits: an idle one is woken, or one that waits
    /// asks again.
    pub(crate) fn rescue(&mut self) -> Moves<E, R> {
        let mut moves = Moves::default();
        if self.active + self.starting > 0 || self.waiting.is_empty() {
            return moves;
        }
        moves.handed = self.wake();
        if moves.handed.is_none()
            && let Some(first) = self.waiting.iter().position(|waiter| !waiter.has_start())
        {
            moves.again.extend(self.waiting.remove(first));
        }
        moves
    }

    /// The one that a start was made for, now that it has failed. [`Self::rescue`] must follow.
    pub(crate) fn failed(&mut self, start: u64) -> Option<Waiter<E, R>> {
        let index = self.waiting.iter().position(|waiter| waiter.owns(start))?;
        self.waiting.remove(index)
    }

    /// Whether environments run invocations, so that one will be free.
    pub(crate) fn has_active(&self) -> bool {
        self.active > 0
    }

    /// An invocation waits no more.
    pub(crate) fn leave(&mut self, ticket: u64) {
        self.waiting.retain(|waiter| waiter.ticket != ticket);
    }

    /// The code has changed. Idle environments end; what runs and what starts is not counted on any more.
    pub(crate) fn renew(&mut self) -> Moves<E, R> {
        self.generation += 1;
        (self.active, self.starting) = (0, 0);
        let (kept, again) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(Waiter::has_start);
        self.waiting = kept;
        Moves {
            again: Vec::from(again),
            over: self.end_all(),
            ..Moves::default()
        }
    }

    /// Takes all idle environments out.
    pub(crate) fn end_all(&mut self) -> Vec<E> {
        let idle = std::mem::take(&mut self.idle);
        idle.into_iter().map(|idle| idle.environment).collect()
    }

    /// Whether it has nothing: no environment, none to come, and nobody who waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.idle.is_empty() && self.active == 0 && self.starting == 0 && self.waiting.is_empty()
    }

    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

impl<E, R> Waiter<E, R> {
    pub(crate) fn trace(&self) -> Option<u64> {
        self.trace
    }

    fn has_start(&self) -> bool {
        self.start.as_ref().is_some_and(|wanted| !wanted.by.is_closed())
    }

    fn owns(&self, start: u64) -> bool {
        self.start.as_ref().is_some_and(|wanted| wanted.start == start)
    }
}
