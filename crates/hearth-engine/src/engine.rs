//! The engine: functions in, outcomes out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, SystemTime};

use hearth_sandbox::{FolderIndex, Sandbox};
use hearth_types::{FunctionArn, Scope, time};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use uuid::Uuid;

use crate::admission::Admission;
use crate::journal::Journal;
use crate::pool::Pool;
use crate::response::Response;
use crate::run::{self, Attempt};
use crate::sandbox_handle::SandboxHandle;
use crate::start::Starter;
use crate::tenacious::Tenacious;
use crate::{
    Api, CredentialSource, EngineOptions, Function, FunctionSpec, Invocation, InvokeError, LogSink, Meter,
    Outcome, ReservationError, ResponseStream, ThrottleReason, memory,
};

/// How often idle environments are looked through.
const SWEEP: Duration = Duration::from_secs(1);

/// Runs functions. A cheap handle; clones share everything.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) options: EngineOptions,
    pub(crate) starter: Arc<Starter>,
    pub(crate) sink: Arc<dyn LogSink>,
    meter: Arc<dyn Meter>,
    admission: Admission,
    pools: Mutex<Vec<Weak<Pool>>>,
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
        let starter = Arc::new(Starter::new(
            SandboxHandle::new(sandbox),
            credentials,
            api,
            &options,
        ));
        let inner = Arc::new(Inner {
            admission: Admission::new(options.account_concurrency),
            options,
            starter,
            sink,
            meter,
            pools: Mutex::default(),
            closing: AtomicBool::new(false),
        });
        tokio::spawn(sweep(Arc::downgrade(&inner)));
        Self(inner)
    }

    /// Takes a revision into service. The revision it replaces is to be retired by the caller.
    pub fn deploy(&self, spec: FunctionSpec) -> Arc<Function> {
        let pool = Arc::new(Pool::new(spec.code));
        self.0.lock_pools().push(Arc::downgrade(&pool));
        let concurrency = self.0.admission.function(&spec.arn);
        Arc::new(Function {
            meter: self.0.meter.function(&spec.arn, &spec.version),
            spec,
            pool,
            concurrency,
        })
    }

    /// Something in a folder has changed: functions whose code it is start again for the next invocation; running ones
    /// finish.
    pub fn renew(&self, folder: FolderIndex) {
        let pools = self.0.live_pools();
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
            idle: self.0.live_pools().iter().map(|pool| pool.idle_count()).sum(),
            ready: self.0.starter.ready.count(),
        }
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
        for pool in self.0.live_pools() {
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

    /// Waits until the node has memory for one more environment, ending idle ones meanwhile.
    pub(crate) async fn room(&self) -> Result<(), InvokeError> {
        let patience = Instant::now() + memory::PATIENCE;
        while !memory::has_room(self.options.memory_reserve_mb) {
            let (dying, late) = (self.starter.sandbox.has_dying(), Instant::now() > patience);
            if !memory::may_wait(dying, late, || self.evict_one()) {
                return Err(InvokeError::Throttled(
                    ThrottleReason::ConcurrentInvocationLimitExceeded,
                ));
            }
            sleep(memory::INTERVAL).await;
        }
        Ok(())
    }

    /// Ends the environment that has been idle longest on this node; whether there was one.
    fn evict_one(&self) -> bool {
        let pools = self.live_pools();
        let oldest = pools
            .iter()
            .filter_map(|pool| Some((pool.oldest()?, pool)))
            .min_by_key(|(since, _)| *since);
        oldest.is_some_and(|(_, pool)| pool.evict_oldest()) || self.starter.ready.evict_oldest()
    }

    fn live_pools(&self) -> Vec<Arc<Pool>> {
        self.lock_pools().iter().filter_map(Weak::upgrade).collect()
    }

    fn lock_pools(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Pool>>> {
        self.pools.lock().expect("no holder of this lock panics")
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Ends what has been idle too long, for as long as the engine exists.
async fn sweep(engine: Weak<Inner>) {
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(engine) = engine.upgrade() else { return };
        for pool in engine.live_pools() {
            pool.expire(engine.options.keep_alive, engine.options.environment_lifetime);
        }
        engine.starter.ready.expire(engine.options.keep_alive);
        engine.lock_pools().retain(|pool| pool.strong_count() > 0);
    }
}
