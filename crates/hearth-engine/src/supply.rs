//! How an invocation gets its environment.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::engine::Inner;
use crate::environment::Environment;
use crate::journal::Journal;
use crate::pool::{Asked, Order, Place, Pool, Supply};
use crate::report::{Phase, Status};
use crate::run::{init_ends, init_starts};
use crate::scaling::Counted;
use crate::start::StartError;
use crate::turns::Claimant;
use crate::{Function, InvokeError, ThrottleReason};

/// The longest time between two looks whether an invocation waits too long.
const LONGEST: Duration = Duration::from_secs(1);

/// Why an invocation has no environment.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// There is none for it.
    Error(InvokeError),
    /// The function's init has failed, which is repeated once.
    Init(Box<FirstFailure>),
}

/// An init that is to be repeated.
#[derive(Debug)]
pub(crate) struct FirstFailure {
    pub(crate) journal: Journal,
    pub(crate) stream: String,
    pub(crate) generation: u64,
}

impl From<InvokeError> for Refusal {
    fn from(error: InvokeError) -> Self {
        Self::Error(error)
    }
}

/// What makes out a trace: its root, which all have in common that were called on the way from the same request.
pub(crate) fn trace_root(header: &str) -> u64 {
    let root = header
        .split(';')
        .find_map(|part| part.trim().strip_prefix("Root="));
    let mut hasher = DefaultHasher::new();
    root.unwrap_or(header).hash(&mut hasher);
    hasher.finish()
}

/// An environment for an invocation of this trace: an idle one, the first that is free, or a new one, whichever comes
/// first.
pub(crate) async fn environment(
    engine: &Arc<Inner>,
    function: &Arc<Function>,
    trace: Option<u64>,
) -> Result<Environment, Refusal> {
    let mut since = None;
    loop {
        let (asked, order) = function.pool.ask(trace, since);
        begin(engine, function, order);
        let place = match asked {
            Asked::Given(environment) => return Ok(environment),
            Asked::Waits(place) => place,
        };
        since = Some(place.since);
        let mut waiting = Waiting {
            pool: &function.pool,
            place,
        };
        match waiting.supply(engine, function).await {
            Supply::Environment(environment) => return Ok(environment),
            Supply::Refused(why) => return Err(why),
            Supply::Again => {}
        }
    }
}

/// An invocation that waits. Dropping it leaves the line.
struct Waiting<'a> {
    pool: &'a Arc<Pool>,
    place: Place,
}

impl Waiting<'_> {
    async fn supply(
        &mut self,
        engine: &Arc<Inner>,
        function: &Arc<Function>,
    ) -> Supply<Environment, Refusal> {
        loop {
            if let Some(supply) = self.pool.wait(&mut self.place).await {
                return supply;
            }
            begin(engine, function, self.pool.overdue(&self.place));
            self.place.patience = (self.place.patience * 2).min(LONGEST);
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.pool.leave(&mut self.place);
    }
}

/// Makes a start that was ordered. It goes on when the invocation that it is for gets another environment.
fn begin(engine: &Arc<Inner>, function: &Arc<Function>, order: Option<Order>) {
    if let Some(order) = order {
        let underway = Underway {
            pool: Arc::clone(&function.pool),
            order: Some(order),
        };
        tokio::spawn(start(Arc::clone(engine), Arc::clone(function), underway));
    }
}

/// A start that its pool counts on. Dropping it gives it up.
struct Underway {
    pool: Arc<Pool>,
    /// None once it is over.
    order: Option<Order>,
}

impl Underway {
    fn order(&mut self) -> &mut Order {
        self.order.as_mut().expect("it is not over yet")
    }

    fn succeed(mut self, environment: Environment, took: Duration) {
        if let Some(order) = self.order.take() {
            self.pool.started(&order, environment, took);
        }
    }

    /// Tells the invocation that it is for; gives the reason back if there is none any more.
    fn fail(mut self, why: Refusal) -> Option<Refusal> {
        let order = self.order.take()?;
        self.pool.failed(&order, why)
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        if let Some(order) = self.order.take() {
            self.pool.given_up(&order);
        }
    }
}

async fn start(engine: Arc<Inner>, function: Arc<Function>, mut underway: Underway) {
    let counters = &engine.surroundings.counters;
    let _starting = Counted::new(&counters.starting);
    let charge = function.pool.charge();
    let pledge = tokio::select! {
        biased;
        () = underway.order().unwanted() => {
            counters.needless_starts.fetch_add(1, Relaxed);
            return;
        }
        pledge = engine.room(charge) => pledge,
    };
    match pledge {
        Some(_pledge) => make(&engine, &function, underway).await,
        // Who waits for an environment that is busy waits on.
        None if function.pool.has_active() => {}
        None => {
            counters.failed_starts.fetch_add(1, Relaxed);
            let reason = ThrottleReason::ConcurrentInvocationLimitExceeded;
            underway.fail(InvokeError::Throttled(reason).into());
        }
    }
}

async fn make(engine: &Arc<Inner>, function: &Arc<Function>, mut underway: Underway) {
    let (spec, counters) = (&function.spec, &engine.surroundings.counters);
    let generation = underway.order().generation;
    let (mut journal, stream) = engine.journal(spec);
    init_starts(&mut journal, spec, Phase::Init, &stream);
    let limit = engine.options.init_timeout;
    let claimant = Claimant::of(&function.pool).unless(underway.order());
    match engine
        .starter
        .start(spec, &mut journal, &stream, limit, claimant)
        .await
    {
        Ok((mut process, begun)) => {
            process.meter = Some(Arc::clone(&function.meter));
            let took = begun.elapsed();
            init_ends(&mut journal, Phase::Init, &Status::Success, took);
            // Its first invocation may be long in coming.
            journal.flush().await;
            counters.starts.fetch_add(1, Relaxed);
            let environment = Environment::new(process, journal, generation, Some(took));
            underway.succeed(environment, took);
        }
        Err(StartError::NotWanted) => {
            counters.needless_starts.fetch_add(1, Relaxed);
        }
        Err(StartError::Platform(why)) => {
            counters.failed_starts.fetch_add(1, Relaxed);
            journal.flush().await;
            if let Some(Refusal::Error(why)) = underway.fail(InvokeError::Environment(why).into()) {
                tracing::warn!(%why, "an environment could not be started");
            }
        }
        Err(StartError::Init(failed)) => {
            counters.failed_starts.fetch_add(1, Relaxed);
            failed.tell(&mut journal, Phase::Init);
            let first = FirstFailure {
                journal,
                stream,
                generation,
            };
            if let Some(Refusal::Init(mut first)) = underway.fail(Refusal::Init(Box::new(first))) {
                first.journal.flush().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_on_the_way_from_one_request_have_the_root_in_common() {
        let first = trace_root("Root=1-2-3;Parent=4;Sampled=0");
        assert_eq!(first, trace_root("Self=1-9-9; Root=1-2-3;Lineage=1:x:0"));
        assert_ne!(first, trace_root("Root=1-2-4;Parent=4;Sampled=0"));
        assert_ne!(trace_root("a"), trace_root("b"));
    }
}
