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
    /// Of the code that it starts with.
    generation: u64,
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
    /// Environments are handed to those that wait.
    pub(crate) handed: Vec<(Waiter<E, R>, E)>,
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
            handed: Vec::new(),
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
    /// Whether it has been idle for long enough to be frozen, where it can be.
    pub(super) settled: bool,
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
        if pick == Pick::Wake
            && (nested || self.waiting.is_empty())
            && let Some(idle) = self.idle.pop()
        {
            self.activate(trace);
            return (Asked::Given(idle.environment), moves);
        }
        let place = self.enqueue(trace, since, nested, now);
        match pick {
            Pick::Wait => {}
            Pick::Wake => moves.handed.extend(self.wake()),
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
                false => moves.handed.extend(self.wake()),
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
        waiter.start = Some(Wanted {
            start,
            generation: self.generation,
            by,
        });
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

    /// A start is over that took `took`, if it has led to an environment. The ticket of the one that it was made for, if
    /// that still waits. [`Self::place`], [`Self::failed`] or [`Self::rescue`] must follow.
    pub(crate) fn started(&mut self, order: &Order, took: Option<Duration>) -> Option<u64> {
        if order.generation == self.generation {
            self.starting -= 1;
        }
        if let Some(took) = took {
            self.start.add(took);
        }
        let owner = self.waiting.iter_mut().find(|waiter| waiter.owns(order.start))?;
        owner.start = None;
        Some(owner.ticket)
    }

    /// An environment is free that was an invocation's.
    pub(crate) fn place(&mut self, environment: E, now: Instant) -> Moves<E, R> {
        match self.active >= self.crowd.cap(now) {
            true => self.keep(environment, now),
            false => self.hand(environment, None, now),
        }
    }

    /// A new environment is there, that was started for the one with this ticket, if that still waits.
    pub(crate) fn add(&mut self, environment: E, owner: Option<u64>, now: Instant) -> Moves<E, R> {
        self.hand(environment, owner, now)
    }

    fn hand(&mut self, environment: E, owner: Option<u64>, now: Instant) -> Moves<E, R> {
        let generation = environment.generation();
        let first = environment
            .is_alive()
            .then(|| self.take_first(generation))
            .flatten();
        let Some(mut waiter) = first else {
            return self.keep(environment, now);
        };
        self.pass_on(waiter.start.take(), owner);
        self.enlist(generation, waiter.trace);
        let mut moves = self.rescue();
        moves.handed.push((waiter, environment));
        moves
    }

    /// Nobody takes the environment now: it is idle, or ends.
    fn keep(&mut self, environment: E, now: Instant) -> Moves<E, R> {
        let mut over = Vec::new();
        let good = environment.is_alive() && !self.retired && environment.generation() == self.generation;
        match good {
            true => self.idle.push(Idle {
                environment,
                since: now,
                settled: false,
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

    /// What was made for one that needs it no more is for one whose own start has served another, if it does not lead to
    /// older code than that may run. Else nobody needs it.
    fn pass_on(&mut self, start: Option<Wanted>, owner: Option<u64>) {
        let Some(start) = start else { return };
        let owner = self
            .waiting
            .iter_mut()
            .find(|waiter| Some(waiter.ticket) == owner);
        if let Some(owner) = owner
            && owner.generation <= start.generation
        {
            owner.start = Some(start);
        }
    }

    /// When nothing is under way that frees an environment, but somebody waits: an idle one is woken, or one that waits
    /// asks again.
    pub(crate) fn rescue(&mut self) -> Moves<E, R> {
        let mut moves = Moves::default();
        if self.active + self.starting > 0 || self.waiting.is_empty() {
            return moves;
        }
        moves.handed.extend(self.wake());
        if moves.handed.is_empty()
            && let Some(first) = self.waiting.iter().position(|waiter| !waiter.has_start())
        {
            moves.again.extend(self.waiting.remove(first));
        }
        moves
    }

    /// Takes out the one with this ticket, whose start has failed. [`Self::rescue`] must follow.
    pub(crate) fn failed(&mut self, ticket: u64) -> Option<Waiter<E, R>> {
        let index = self.waiting.iter().position(|waiter| waiter.ticket == ticket)?;
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

#[cfg(test)]
mod tests {
    use hearth_types::{AccountId, FunctionArn, FunctionName, Region, Scope};
    use proptest::prelude::*;

    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;
    use crate::ThisNode;
    use crate::admission::{Admission, Permit};

    /// An environment of this generation, unless it has ended.
    #[derive(Debug)]
    struct Fake {
        generation: u64,
        alive: bool,
    }

    impl Seat for Fake {
        fn generation(&self) -> u64 {
            self.generation
        }
        fn is_alive(&self) -> bool {
            self.alive
        }
    }

    /// An invocation that waits.
    struct Waits {
        place: Place<Fake, ()>,
        generation: u64,
        _permit: Permit,
    }

    /// An invocation that runs.
    struct Runs {
        environment: Fake,
        _permit: Permit,
    }

    const LIMIT: u32 = 100;

    /// Invocations of a function, and whatever may happen to them.
    struct Model {
        line: Line<Fake, ()>,
        admission: Admission,
        arn: FunctionArn,
        waits: Vec<Waits>,
        runs: Vec<Runs>,
        orders: Vec<Order>,
        answered: usize,
        refused: usize,
        now: Instant,
    }

    impl Model {
        fn new() -> Self {
            let scope = Scope {
                account: AccountId::DEFAULT,
                region: Region::default(),
            };
            Self {
                line: Line::new(Arc::new(Cores::new(Arc::new(ThisNode)))),
                admission: Admission::new(LIMIT),
                arn: FunctionArn::new(scope, FunctionName::parse("f").unwrap()),
                waits: Vec::new(),
                runs: Vec::new(),
                orders: Vec::new(),
                answered: 0,
                refused: 0,
                now: Instant::now(),
            }
        }

        fn admit(&mut self) -> bool {
            match self.admission.function(&self.arn).admit() {
                Ok(permit) => self.ask(permit, None),
                Err(_) => return false,
            }
            true
        }

        fn ask(&mut self, permit: Permit, since: Option<Instant>) {
            let (asked, moves) = self.line.ask(None, since, self.now);
            match asked {
                Asked::Given(environment) => {
                    assert_eq!(environment.generation, self.line.generation);
                    self.runs.push(Runs {
                        environment,
                        _permit: permit,
                    });
                }
                Asked::Waits(place) => self.waits.push(Waits {
                    place,
                    generation: self.line.generation,
                    _permit: permit,
                }),
            }
            self.follow(moves);
        }

        fn follow(&mut self, moves: Moves<Fake, ()>) {
            for (waiter, environment) in moves.handed {
                waiter.answer.send(Supply::Environment(environment)).unwrap();
            }
            for waiter in moves.again {
                waiter.answer.send(Supply::Again).unwrap();
            }
            self.orders.extend(moves.order);
            self.hear();
        }

        /// Those that wait hear what they are told.
        fn hear(&mut self) {
            let mut index = 0;
            while index < self.waits.len() {
                let Ok(supply) = self.waits[index].place.answer.try_recv() else {
                    index += 1;
                    continue;
                };
                let Waits {
                    place,
                    generation,
                    _permit,
                } = self.waits.swap_remove(index);
                match supply {
                    Supply::Environment(environment) => {
                        assert!(environment.generation >= generation, "old code");
                        assert!(environment.alive);
                        self.runs.push(Runs { environment, _permit });
                    }
                    Supply::Refused(()) => self.refused += 1,
                    Supply::Again => self.ask(_permit, Some(place.since)),
                }
            }
        }

        fn finish(&mut self, index: usize, alive: bool) {
            let Runs {
                mut environment,
                _permit,
            } = self.runs.swap_remove(index);
            self.answered += 1;
            environment.alive = alive;
            let took = Duration::from_micros(50 + 400 * (index as u64 % 7));
            self.line.ended(environment.generation, None, took, self.now);
            let moves = match alive {
                true => self.line.place(environment, self.now),
                false => self.line.rescue(),
            };
            drop(_permit);
            self.follow(moves);
        }

        fn start_ends(&mut self, index: usize, works: bool) {
            let order = self.orders.swap_remove(index);
            let took = works.then_some(Duration::from_millis(5));
            let owner = self.line.started(&order, took);
            let moves = match works {
                true => self.line.add(fake(order.generation), owner, self.now),
                false => {
                    if let Some(waiter) = owner.and_then(|owner| self.line.failed(owner)) {
                        waiter.answer.send(Supply::Refused(())).unwrap();
                    }
                    self.line.rescue()
                }
            };
            drop(order);
            self.follow(moves);
        }

        fn overdue(&mut self, index: usize) {
            let ticket = self.waits[index].place.ticket;
            let moves = self.line.overdue(ticket, self.now);
            self.follow(moves);
        }

        /// Whatever waits has somebody who will come for it.
        fn check(&self) {
            let running = (self.waits.len() + self.runs.len()) as u32;
            assert_eq!(self.admission.running(), running);
            assert_eq!(self.line.waiting.len(), self.waits.len());
            let current = |generation| generation == self.line.generation;
            let runs = |run: &&Runs| current(run.environment.generation);
            assert_eq!(self.line.active, self.runs.iter().filter(runs).count());
            let starts = self.orders.iter().filter(|order| current(order.generation));
            assert_eq!(self.line.starting, starts.count());
            for waiter in &self.line.waiting {
                assert!(
                    waiter.has_start() || self.line.active + self.line.starting > 0,
                    "forgotten"
                );
            }
        }
    }

    proptest! {
        /// Whatever happens in whatever order, the limit is exact, nobody is forgotten and nobody gets old code.
        #[test]
        fn nobody_is_forgotten(steps in prop::collection::vec((0u8..16, 0usize..1000), 0..400)) {
            let mut model = Model::new();
            let mut asked = 0;
            for (what, which) in steps {
                model.now += Duration::from_micros(which as u64);
                let pick = |length: usize| (length > 0).then(|| which % length.max(1));
                match what {
                    0..=6 => {
                        let running = model.admission.running();
                        let admitted = model.admit();
                        prop_assert_eq!(admitted, running < LIMIT);
                        asked += usize::from(admitted);
                    }
                    7..=9 => if let Some(index) = pick(model.runs.len()) { model.finish(index, true) },
                    10 => if let Some(index) = pick(model.runs.len()) { model.finish(index, false) },
                    11..=12 => if let Some(index) = pick(model.orders.len()) { model.start_ends(index, true) },
                    13 => if let Some(index) = pick(model.orders.len()) { model.start_ends(index, which % 4 > 0) },
                    14 => if let Some(index) = pick(model.waits.len()) { model.overdue(index) },
                    _ if which % 10 == 0 => {
                        let moves = model.line.renew();
                        model.follow(moves);
                    }
                    _ => {}
                }
                model.check();
            }
            // What is under way comes to its end, and all are answered or know why not.
            while !(model.runs.is_empty() && model.orders.is_empty() && model.waits.is_empty()) {
                prop_assert!(!(model.runs.is_empty() && model.orders.is_empty()));
                match model.orders.is_empty() {
                    true => model.finish(0, true),
                    false => model.start_ends(0, true),
                }
                model.check();
            }
            prop_assert_eq!(model.answered + model.refused, asked);
            prop_assert_eq!(model.admission.running(), 0);
        }
    }

    fn line() -> Line<Fake, ()> {
        Line::new(Arc::new(Cores::new(Arc::new(ThisNode))))
    }

    fn fake(generation: u64) -> Fake {
        Fake {
            generation,
            alive: true,
        }
    }

    fn waits(asked: Asked<Fake, ()>) -> Place<Fake, ()> {
        match asked {
            Asked::Waits(place) => place,
            Asked::Given(environment) => panic!("{environment:?}"),
        }
    }

    #[test]
    fn a_start_belongs_to_one_that_still_waits() {
        let (mut line, now) = (line(), Instant::now());
        let [(first, mut one), (second, two)] = [(); 2].map(|()| {
            let (asked, moves) = line.ask(None, None, now);
            (waits(asked), moves.order.unwrap())
        });
        // What was made for the second comes first, and goes to the first.
        let owner = line.started(&two, None);
        assert_eq!(owner, Some(second.ticket));
        let (waiter, _) = line.add(fake(0), owner, now).handed.pop().unwrap();
        assert_eq!(waiter.ticket, first.ticket);
        drop((waiter, two));
        // What was made for the first is the second's now.
        assert_eq!(one.unwanted.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(line.started(&one, None), Some(second.ticket));
    }

    #[test]
    fn a_start_with_old_code_is_not_passed_on() {
        let (mut line, now) = (line(), Instant::now());
        let (asked, moves) = line.ask(None, None, now);
        let (old, mut order) = (waits(asked), moves.order.unwrap());
        line.renew();
        let (asked, moves) = line.ask(None, None, now);
        let (new, newer) = (waits(asked), moves.order.unwrap());
        let owner = line.started(&newer, None);
        let (waiter, _) = line.add(fake(1), owner, now).handed.pop().unwrap();
        assert_eq!(waiter.ticket, old.ticket);
        drop(waiter);
        assert_eq!(order.unwanted.try_recv(), Err(TryRecvError::Closed));
        assert!(line.started(&order, None).is_none());
        assert!(line.waits(new.ticket) && line.active == 1);
    }

    #[test]
    fn who_is_called_by_what_runs_goes_first() {
        let (mut line, now) = (line(), Instant::now());
        line.enlist(0, Some(7));
        waits(line.ask(Some(1), None, now).0);
        let (asked, moves) = line.ask(Some(7), None, now);
        let nested = waits(asked);
        assert!(moves.order.is_some());
        line.ended(0, Some(7), Duration::ZERO, now);
        let (waiter, _) = line.place(fake(0), now).handed.pop().unwrap();
        assert_eq!(waiter.ticket, nested.ticket);
        assert!(!line.traces.contains(&7) || waiter.trace == Some(7));
    }
}
