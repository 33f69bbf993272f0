//! The engine: functions in, outcomes out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use hearth_sandbox::{FolderIndex, Sandbox};
use hearth_types::{FunctionArn, Scope, time};
use tokio::task::yield_now;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use uuid::Uuid;

use crate::admission::Admission;
use crate::cores::Cores;
use crate::journal::Journal;
use crate::memory::{self, Pledge, Room};
use crate::occupied::Occupied;
use crate::pool::{Pool, Surroundings};
use crate::refill;
use crate::response::Response;
use crate::run::{self, Attempt};
use crate::sandbox_handle::SandboxHandle;
use crate::start::Starter;
use crate::tenacious::Tenacious;
use crate::{
    Api, CredentialSource, EngineOptions, Function, FunctionSpec, Invocation, InvokeError, LogSink, Meter,
    Node, Outcome, ReservationError, ResponseStream, Scaling, ThisNode,
};

/// How often idle environments are looked through.
const SWEEP: Duration = Duration::from_secs(1);
/// How often it is looked whether the node is short of memory.
const WATCH: Duration = Duration::from_millis(250);

/// Runs functions. A cheap handle; clones share everything.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) options: EngineOptions,
    pub(crate) starter: Arc<Starter>,
    pub(crate) sink: Arc<dyn LogSink>,
    meter: Arc<dyn Meter>,
    pub(crate) surroundings: Arc<Surroundings>,
    pub(crate) room: Room,
    admission: Admission,
    closing: AtomicBool,
}

/// A glance at the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Invocations that run now.
    pub running: u32,
    /// Environments that wait for their next invocation.
    pub idle: usize,
    /// Booted environments that belong to no function yet.
    pub ready: usize,
}

impl Engine {
    /// An engine on a sandbox. Must be called inside a tokio runtime: it sweeps idle environments.
    pub fn new(
        options: EngineOptions,
        sandbox: Arc<dyn Sandbox>,
        credentials: Arc<dyn CredentialSource>,
        api: Arc<dyn Api>,
        sink: Arc<dyn LogSink>,
        meter: Arc<dyn Meter>,
    ) -> Self {
        Self::on_node(
            options,
            sandbox,
            credentials,
            api,
            sink,
            meter,
            Arc::new(ThisNode),
        )
    }

    /// The same on a machine that is described by another than the kernel.
    pub fn on_node(
        options: EngineOptions,
        sandbox: Arc<dyn Sandbox>,
        credentials: Arc<dyn CredentialSource>,
        api: Arc<dyn Api>,
        sink: Arc<dyn LogSink>,
        meter: Arc<dyn Meter>,
        node: Arc<dyn Node>,
    ) -> Self {
        let starter = Arc::new(Starter::new(
            SandboxHandle::new(sandbox),
            credentials,
            api,
            &options,
        ));
        let inner = Arc::new(Inner {
            admission: Admission::new(options.account_concurrency),
            surroundings: Arc::new(Surroundings {
                cores: Arc::new(Cores::new(Arc::clone(&node))),
                occupied: Occupied::default(),
                counters: Arc::default(),
            }),
            room: Room::new(node, options.memory_reserve_mb),
            options,
            starter,
            sink,
            meter,
            closing: AtomicBool::new(false),
        });
        let traffic = Arc::clone(&inner.starter.traffic);
        tokio::spawn(refill::run(Arc::downgrade(&inner), traffic));
        tokio::spawn(sweep(Arc::downgrade(&inner)));
        tokio::spawn(relieve(Arc::downgrade(&inner)));
        Self(inner)
    }

    /// Takes a revision into service. The revision it replaces is to be retired by the caller.
    pub fn deploy(&self, spec: FunctionSpec) -> Arc<Function> {
        let pool = Arc::new(Pool::new(spec.code, Arc::clone(&self.0.surroundings)));
        let concurrency = self.0.admission.function(&spec.arn);
        Arc::new(Function {
            _ready: self.0.starter.expect(&spec),
            meter: self.0.meter.function(&spec.arn, &spec.version),
            spec,
            pool,
            concurrency,
        })
    }

    /// Something in a folder has changed: functions whose code it is start again for the next invocation; running ones
    /// finish.
    pub fn renew(&self, folder: FolderIndex) {
        let pools = self.0.surroundings.occupied.pools();
        pools
            .iter()
            .filter(|pool| pool.runs(folder))
            .for_each(|pool| pool.renew());
    }

    /// Runs an invocation to its end, also if the caller stops waiting for it.
    pub async fn invoke(
        &self,
        function: &Arc<Function>,
        invocation: Invocation,
    ) -> Result<Outcome, InvokeError> {
        Tenacious::new(self.admit(function, invocation, Response::whole())?)
            .await
            .unwrap_or_else(|panicked| Err(InvokeError::Environment(panicked.to_string())))
    }

    /// Runs an invocation to its end, also if the caller stops waiting for it or drops the stream. Returns when the
    /// response begins; its chunks come as the function writes them.
    pub async fn invoke_streaming(
        &self,
        function: &Arc<Function>,
        invocation: Invocation,
    ) -> Result<ResponseStream, InvokeError> {
        let options = &self.0.options;
        let (response, inlet) = Response::streamed(options.streamed_response_bytes, options.stream_rate);
        let task = tokio::spawn(self.admit(function, invocation, response)?);
        let run = async {
            task.await
                .unwrap_or_else(|error| Err(InvokeError::Environment(error.to_string())))
        };
        ResponseStream::open(inlet, run).await
    }

    /// Admits an invocation. What is returned runs it, and must be taken to its end.
    fn admit(
        &self,
        function: &Arc<Function>,
        invocation: Invocation,
        response: Response,
    ) -> Result<impl Future<Output = Result<Outcome, InvokeError>> + Send + use<>, InvokeError> {
        if self.0.closing.load(Ordering::Relaxed) {
            return Err(InvokeError::ShuttingDown);
        }
        if function.pool.is_retired() {
            return Err(InvokeError::Retired);
        }
        let permit = function.concurrency.admit().map_err(|reason| {
            function.throttled(&invocation);
            InvokeError::Throttled(reason)
        })?;
        let inner = Arc::clone(&self.0);
        let attempt = Attempt::new(Arc::clone(function), permit, invocation, response);
        Ok(async move { run::run(&inner, attempt).await })
    }

    /// Sets or removes a function's reserved concurrency.
    pub fn set_reserved(&self, arn: &FunctionArn, reserved: Option<u32>) -> Result<(), ReservationError> {
        self.0.admission.function(arn).reserve(reserved)
    }

    /// Concurrency of an account in a region that no function has reserved.
    pub fn unreserved_concurrency(&self, scope: &Scope) -> u32 {
        self.0.admission.unreserved(scope)
    }

    /// The limit of concurrent executions per account and region.
    pub fn account_concurrency(&self) -> u32 {
        self.0.options.account_concurrency
    }

    /// What the engine is doing.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            running: self.0.admission.running(),
            idle: self
                .0
                .surroundings
                .occupied
                .pools()
                .iter()
                .map(|pool| pool.idle_count())
                .sum(),
            ready: self.0.starter.ready.count(),
        }
    }

    /// What scaling does, and has done.
    pub fn scaling(&self) -> Scaling {
        self.0.surroundings.counters.look()
    }

    /// Takes no more invocations and waits for the running ones; whether they ended within `grace`. Then ends the idle
    /// environments.
    pub async fn drain(&self, grace: Duration) -> bool {
        self.0.closing.store(true, Ordering::Relaxed);
        let ended = async {
            while self.0.admission.running() > 0 {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let ended = timeout(grace, ended).await.is_ok();
        for pool in self.0.surroundings.occupied.pools() {
            pool.retire();
        }
        // Extensions are told, and have a bounded time.
        while self.0.starter.sandbox.has_dying() {
            sleep(Duration::from_millis(10)).await;
        }
        ended
    }
}

impl Inner {
    /// A new environment's journal and the name of its log stream.
    pub(crate) fn journal(&self, spec: &FunctionSpec) -> (Journal, String) {
        let day = time::day(SystemTime::now());
        // Several functions may share a group that they name themselves.
        let own_group = spec.log_group == format!("/aws/lambda/{}", spec.arn.name);
        let function = if own_group { "" } else { spec.arn.name.as_str() };
        let stream = format!("{day}/{function}[{}]{}", spec.version, Uuid::new_v4().simple());
        let journal = Journal::new(
            Arc::clone(&self.sink),
            spec.arn.scope.clone(),
            spec.log_group.clone(),
            stream.clone(),
            spec.logging,
        );
        journal.feed_extensions();
        (journal, stream)
    }

    /// Waits until the node has memory for one more environment, which is expected to take `charge` bytes.
    pub(crate) async fn room(&self, charge: Option<u64>) -> Option<Pledge> {
        let is_dying = || self.starter.sandbox.has_dying();
        self.room.take(charge, is_dying, || self.evict_one()).await
    }

    /// Ends the environment that has been idle longest on this node; whether there was one.
    fn evict_one(&self) -> bool {
        let pools = self.surroundings.occupied.pools();
        let oldest = pools
            .iter()
            .filter_map(|pool| Some((pool.oldest()?, pool)))
            .min_by_key(|(since, _)| *since);
        let gone = oldest.is_some_and(|(_, pool)| pool.evict_oldest());
        if gone {
            self.surroundings.counters.evicted.fetch_add(1, Ordering::Relaxed);
        }
        gone || self.starter.ready.evict_oldest()
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Ends idle environments while the node is short of memory, for as long as the engine exists: what runs needs it.
async fn relieve(engine: Weak<Inner>) {
    let mut short = false;
    loop {
        sleep(if short { memory::INTERVAL } else { WATCH }).await;
        let Some(engine) = engine.upgrade() else { return };
        short = engine.room.is_short() && (engine.starter.sandbox.has_dying() || engine.evict_one());
    }
}

/// Ends what has been idle too long, for as long as the engine exists.
async fn sweep(engine: Weak<Inner>) {
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(engine) = engine.upgrade() else { return };
        for pool in engine.surroundings.occupied.pools() {
            pool.expire(engine.options.keep_alive, engine.options.environment_lifetime);
            while pool.freeze() {
                yield_now().await;
            }
        }
        engine.starter.ready.expire(engine.options.keep_alive);
    }
}
