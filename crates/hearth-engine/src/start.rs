//! Starting an environment: boot, claim, activate.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hearth_network::{Endpoint, Outside, Services};
use hearth_runtime::Family;
use hearth_runtime::api::{Description, Machine, RuntimeApi};
use hearth_runtime::environment::{self, Credentials, Environment};
use hearth_runtime::frames::{Claim, Frame, Message};
use hearth_sandbox::{BootRequest, ClaimRequest, Code, SandboxError, Start};
use tokio::time::{Instant, timeout};

use crate::conversation::{self, Door};
use crate::environment::Process;
use crate::exchange::{self, Awaited};
use crate::failure::Failure;
use crate::journal::Journal;
use crate::prepared::Prepared;
use crate::ready::{InUse, Ready, ReadyKey};
use crate::refill::Traffic;
use crate::report::PlatformEvent;
use crate::sandbox_handle::SandboxHandle;
use crate::turns::{Claimant, Turn, Turns};
use crate::{Api, CredentialSource, EngineOptions, FunctionSpec, InvokeError, SessionVariables};

/// How long an interpreter may take until its bootstrap says hello; a loaded machine is slow, not broken.
const BOOT_TIMEOUT: Duration = Duration::from_secs(30);
/// Pings to an environment that is kept ready: it rehearses, and exercises its socket loop, so that the first invocation
/// finds both warm.
const PINGS: usize = 2;

/// Why there is no environment.
#[derive(Debug)]
pub(crate) enum StartError {
    /// The platform failed; the function's code never ran.
    Platform(String),
    /// The function's init failed.
    Init(InitFailed),
    /// Nobody needs one any more; nothing was begun.
    NotWanted,
}

/// An init that failed; its environment is gone.
#[derive(Debug)]
pub(crate) struct InitFailed {
    pub(crate) failure: Failure,
    pub(crate) begun: Instant,
    pub(crate) took: Duration,
    pub(crate) max_memory_mb: u32,
}

impl From<SandboxError> for StartError {
    fn from(error: SandboxError) -> Self {
        Self::Platform(error.to_string())
    }
}

/// An environment that has its function's code.
struct Claimed {
    process: Process,
    /// When the init began.
    begun: Instant,
    /// Held while the interpreter starts, where that is still to be waited for.
    turn: Option<Turn>,
}

/// Starts environments.
pub(crate) struct Starter {
    pub(crate) sandbox: SandboxHandle,
    credentials: Arc<dyn CredentialSource>,
    api: Arc<dyn Api>,
    outside: Outside,
    boots: Turns,
    prepared: Prepared,
    pub(crate) ready: Ready,
    pub(crate) traffic: Arc<Traffic>,
}

impl Starter {
    pub(crate) fn new(
        sandbox: SandboxHandle,
        credentials: Arc<dyn CredentialSource>,
        api: Arc<dyn Api>,
        options: &EngineOptions,
    ) -> Self {
        Self {
            sandbox,
            credentials,
            api,
            outside: Outside::new(options.name_servers.clone()),
            boots: Turns::new(options.parallel_boots),
            prepared: Prepared::default(),
            ready: Ready::new(options.ready_environments),
            traffic: Arc::default(),
        }
    }

    /// A function is there: an interpreter for it is made ready, if it can take one.
    pub(crate) fn expect(&self, spec: &FunctionSpec) -> Option<Arc<InUse>> {
        if spec.runtime.family == Family::Provided || spec.needs_fresh_start() {
            return None;
        }
        let in_use = self.ready.expect(ReadyKey::of(spec));
        self.traffic.call();
        in_use
    }

    /// Lets everybody hear of what has changed in a function's code, where that can change. Fails if it is gone.
    pub(crate) async fn settle(&self, spec: &FunctionSpec) -> Result<(), InvokeError> {
        let Code::Folder(folder) = spec.code else {
            return Ok(());
        };
        let settled = self.sandbox.0.settle(folder).await;
        settled.map_err(|error| InvokeError::Code(error.to_string()))
    }

    /// Starts an environment for a function and runs the init, which must end within `limit`. Tells when the
    /// init began: when the interpreter could boot, or with the claim where one was ready. Waiting for a turn
    /// to boot is not the function's time.
    pub(crate) async fn start(
        &self,
        spec: &FunctionSpec,
        journal: &mut Journal,
        stream: &str,
        limit: Duration,
        claimant: Claimant<'_>,
    ) -> Result<(Process, Instant), StartError> {
        let session = self.credentials.session(spec);
        if spec.runtime.family == Family::Provided {
            return self
                .start_custom(spec, &session, journal, stream, limit, claimant)
                .await;
        }
        let starting = self.traffic.start();
        let fresh = spec.needs_fresh_start();
        let claimed = if fresh {
            self.boot_with(spec, &session, stream, claimant).await?
        } else {
            self.claim_ready(spec, &session, claimant).await?
        };
        let Claimed {
            mut process,
            begun,
            turn,
        } = claimed;
        if let Some(level) = spec.logging.application() {
            process.output.keep_from(level);
        }
        if !spec.layers.has_extensions {
            process.feed_runtime(journal);
        }
        let variables = (!fresh).then(|| variables(spec, &session, stream, &process));
        let claim = Claim {
            handler: &spec.handler,
            environment: variables.as_ref(),
            task_root: &process.places.task(),
            layers_root: &process.places.layers(),
        };
        process.control.queue(&Frame::claim(&claim));
        if let Some(turn) = turn {
            greet(&mut process, 0).await?;
            drop(turn);
        }
        drop(starting);
        let deadline = begun + limit;
        let mut done = self.extensions(spec, &mut process, journal, deadline).await;
        if done.is_ok() {
            done = exchange::run(&mut process, journal, Awaited::Claimed, deadline).await;
        }
        if done.is_ok() {
            done = conversation::initialised(&mut process, journal, deadline).await;
        }
        initialised(process, journal, begun, done).await
    }

    /// The same for a function that brings its own bootstrap.
    async fn start_custom(
        &self,
        spec: &FunctionSpec,
        session: &SessionVariables,
        journal: &mut Journal,
        stream: &str,
        limit: Duration,
        claimant: Claimant<'_>,
    ) -> Result<(Process, Instant), StartError> {
        let Claimed {
            mut process, begun, ..
        } = self.boot_with(spec, session, stream, claimant).await?;
        if process.api.is_none() {
            return Err(StartError::Platform(
                "custom runtimes need a network of their own, which this isolation tier has not".to_owned(),
            ));
        }
        if let Some(level) = spec.logging.application() {
            process.output.keep_from(level);
        }
        if !spec.layers.has_extensions {
            process.feed_runtime(journal);
        }
        let deadline = begun + limit;
        let mut done = self.extensions(spec, &mut process, journal, deadline).await;
        if done.is_ok() {
            done = conversation::launched(&mut process, journal, deadline).await;
        }
        if done.is_ok() {
            done = conversation::initialised(&mut process, journal, deadline).await;
        }
        initialised(process, journal, begun, done).await
    }

    /// Has the extensions started, if there are any, waits until they have registered, and has the interpreter started.
    async fn extensions(
        &self,
        spec: &FunctionSpec,
        process: &mut Process,
        journal: &mut Journal,
        deadline: Instant,
    ) -> Result<(), Failure> {
        match process.api.clone() {
            Some(api) if spec.layers.has_extensions => {
                conversation::extensions(process, journal, &api, deadline).await
            }
            _ => Ok(()),
        }
    }

    /// Claims an interpreter that was ready, or a new one.
    async fn claim_ready(
        &self,
        spec: &FunctionSpec,
        session: &SessionVariables,
        claimant: Claimant<'_>,
    ) -> Result<Claimed, StartError> {
        let key = ReadyKey::of(spec);
        let Some(mut process) = self.ready.take(key) else {
            return self.boot_now(key, spec, session, claimant).await;
        };
        let begun = Instant::now();
        self.claim(&mut process, spec, session).await?;
        Ok(Claimed {
            process,
            begun,
            turn: None,
        })
    }

    /// Boots an interpreter that waits for whoever claims it.
    pub(crate) async fn boot_ready(&self, key: ReadyKey) -> Result<Process, StartError> {
        let _turn = Claimant::anybody().turn(&self.boots).await?;
        let mut process = self.boot(key, Start::Ready).await?;
        self.prepare(key, &mut process);
        self.meet(key, &mut process, PINGS).await?;
        Ok(process)
    }

    /// Boots for a function that waits. Its code is put in place while the interpreter starts; but not within reach of an
    /// interpreter that is to prepare something for others.
    async fn boot_now(
        &self,
        key: ReadyKey,
        spec: &FunctionSpec,
        session: &SessionVariables,
        claimant: Claimant<'_>,
    ) -> Result<Claimed, StartError> {
        let turn = claimant.turn(&self.boots).await?;
        let begun = Instant::now();
        let mut process = self.boot(key, Start::Ready).await?;
        let prepares = self.prepare(key, &mut process);
        if prepares {
            self.meet(key, &mut process, 0).await?;
        }
        self.claim(&mut process, spec, session).await?;
        Ok(Claimed {
            process,
            begun,
            turn: (!prepares).then_some(turn),
        })
    }

    /// Hands over what an earlier bootstrap has prepared; whether this one has to.
    fn prepare(&self, key: ReadyKey, process: &mut Process) -> bool {
        if !key.family.prepares() {
            return false;
        }
        let prepared = self.prepared.of(key.runtime);
        let prepares = prepared.is_empty();
        process.control.queue(&Frame::prepared(prepared));
        prepares
    }

    /// Waits for the bootstrap of an environment that knows of no function, and keeps what it has prepared.
    async fn meet(&self, key: ReadyKey, process: &mut Process, pings: usize) -> Result<(), StartError> {
        if let Some(prepared) = greet(process, pings).await? {
            self.prepared.keep(key.runtime, prepared);
        }
        Ok(())
    }

    /// Boots with the function's variables in the interpreter's real environment. Code of the function may run
    /// before the bootstrap does: what follows is its init, and nobody waits for a hello here, least of all with a
    /// turn that others need.
    async fn boot_with(
        &self,
        spec: &FunctionSpec,
        session: &SessionVariables,
        stream: &str,
        claimant: Claimant<'_>,
    ) -> Result<Claimed, StartError> {
        let _turn = claimant.turn(&self.boots).await?;
        let begun = Instant::now();
        let key = ReadyKey::of(spec);
        let mut process = self.boot(key, Start::Deferred).await?;
        self.claim(&mut process, spec, session).await?;
        let wrapper = environment::wrapper(&spec.environment).map(|wrapper| process.places.real(wrapper));
        let variables = variables(spec, session, stream, &process);
        process.control.queue_raw(&environment::block(
            wrapper.as_deref(),
            spec.layers.has_extensions,
            &variables,
        ));
        self.prepare(key, &mut process);
        Ok(Claimed {
            process,
            begun,
            turn: None,
        })
    }

    async fn boot(&self, key: ReadyKey, start: Start) -> Result<Process, StartError> {
        let request = BootRequest {
            runtime: key.runtime,
            memory_mb: key.memory_mb,
            start,
        };
        let booted = self.sandbox.0.boot(request).await?;
        Process::new(booted, self.sandbox.clone()).map_err(|error| StartError::Platform(error.to_string()))
    }

    /// Gives an environment its code, and its network to whom it is for.
    async fn claim(
        &self,
        process: &mut Process,
        spec: &FunctionSpec,
        session: &SessionVariables,
    ) -> Result<(), StartError> {
        let request = ClaimRequest {
            code: spec.code,
            layers: spec.layers.tree,
            memory_mb: spec.memory_mb,
            ephemeral_mb: spec.ephemeral_mb,
        };
        self.sandbox.0.claim(process.id, request).await?;
        if process.has_network() {
            let mut machine = match spec.runtime.family {
                Family::Provided => Machine::new(description(spec)),
                _ => Machine::for_extensions(description(spec)),
            };
            if spec.layers.has_extensions {
                machine.expect_extensions();
            }
            process.api = Some(RuntimeApi::new(machine));
        }
        let door = process
            .api
            .clone()
            .map(|api| Arc::new(Door(api)) as Arc<dyn Endpoint>);
        let services = Services {
            runtime_api: door,
            api: Some(self.api.endpoint(spec, &session.access_key_id)),
        };
        process
            .open_network(services, spec.network.clone(), self.outside.clone())
            .map_err(|error| StartError::Platform(error.to_string()))
    }
}

async fn initialised(
    mut process: Process,
    journal: &mut Journal,
    begun: Instant,
    done: Result<(), Failure>,
) -> Result<(Process, Instant), StartError> {
    if let Some(api) = &process.api {
        api.change(|machine| machine.close_registration());
        for subscribed in journal.feed().subscribed() {
            journal.platform(PlatformEvent::Subscribed(&subscribed));
        }
        for extension in api.look(|machine| machine.extensions()) {
            journal.platform(PlatformEvent::Extension(&extension));
        }
        if api.look(|machine| machine.has_any_extension()) {
            // What extensions print has a journal of its own, and comes after.
            journal.flush().await;
        }
    }
    if done.is_ok() {
        journal.feed().close();
    }
    match done {
        Ok(()) => Ok((process, begun)),
        Err(failure) => {
            process.reason = failure.shutdown_reason();
            Err(StartError::Init(InitFailed {
                failure,
                begun,
                took: begun.elapsed(),
                max_memory_mb: process.peak_memory_mb(),
            }))
        }
    }
}

/// What extensions learn of a function.
fn description(spec: &FunctionSpec) -> Description {
    Description {
        function: spec.arn.name.to_string(),
        version: spec.version.to_string(),
        handler: spec.handler.clone(),
        account: spec.arn.scope.account.to_string(),
    }
}

impl Drop for Starter {
    fn drop(&mut self) {
        // Whoever refills has nothing left to do.
        self.traffic.call();
    }
}

impl std::fmt::Debug for Starter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Starter")
            .field("ready", &self.ready)
            .finish_non_exhaustive()
    }
}

/// Waits for the bootstrap's hello, then plays ping-pong. Gives what it has prepared, if anything.
async fn greet(process: &mut Process, pings: usize) -> Result<Option<Bytes>, StartError> {
    let greeting = async {
        let mut prepared = None;
        let mut echoes = 0;
        loop {
            match process.control.receive().await {
                Ok(Message::Prepared(own)) => prepared = Some(own),
                Ok(Message::Hello(_) | Message::Ping(_)) if echoes == pings => return Ok(prepared),
                Ok(Message::Hello(_) | Message::Ping(_)) => {
                    echoes += 1;
                    process.control.queue(&Frame::ping(Bytes::from_static(b"ping")));
                }
                Ok(_) => return Err("the bootstrap did not say hello".to_owned()),
                Err(error) => return Err(error.to_string()),
            }
        }
    };
    match timeout(BOOT_TIMEOUT, greeting).await {
        Ok(Ok(prepared)) => Ok(prepared),
        Ok(Err(why)) => Err(StartError::Platform(format!(
            "the interpreter did not start: {why}"
        ))),
        Err(_) => Err(StartError::Platform(
            "the interpreter did not start in time".to_owned(),
        )),
    }
}

fn variables(
    spec: &FunctionSpec,
    session: &SessionVariables,
    stream: &str,
    process: &Process,
) -> BTreeMap<String, String> {
    environment::variables(&Environment {
        function: &spec.arn.name,
        version: &spec.version,
        memory_mb: spec.memory_mb,
        handler: &spec.handler,
        runtime: &spec.runtime.identifier,
        log_group: &spec.log_group,
        log_stream: stream,
        logging: spec.logging,
        region: &spec.arn.scope.region,
        places: &process.places,
        addresses: process.addresses,
        credentials: Credentials {
            access_key_id: &session.access_key_id,
            secret_access_key: &session.secret_access_key,
            session_token: &session.session_token,
        },
        user: &spec.environment,
    })
}
