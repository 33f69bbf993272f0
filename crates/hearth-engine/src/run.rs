//! One admitted invocation, from the environment it gets to its outcome.

use std::time::{Duration, SystemTime};

use hearth_runtime::api::{ApiInvocation, RuntimeApi};
use hearth_runtime::frames::{Frame, Invoke};
use hearth_types::RequestId;
use hearth_types::time::unix_millis;
use tokio::time::Instant;

use crate::conversation::{self, Conversation};
use crate::engine::Inner;
use crate::environment::Environment;
use crate::exchange::{self, Awaited, Call};
use crate::failure::Failure;
use crate::journal::Journal;
use crate::report::{Phase, PlatformEvent, Report, Status};
use crate::response::Response;
use crate::start::{InitFailed, StartError};
use crate::{Function, FunctionError, FunctionSpec, Invocation, InvokeError, Outcome};

/// Runs an invocation on an idle environment or a new one.
pub(crate) async fn run(
    engine: &Inner,
    function: &Function,
    invocation: Invocation,
    response: Response,
) -> Result<Outcome, InvokeError> {
    engine.starter.settle(&function.spec).await;
    if let Some(environment) = function.pool.take() {
        return Ok(Attempt::new(&function.spec, invocation, response)
            .on(environment, function)
            .await);
    }
    engine.room().await?;
    cold(engine, function, invocation, response).await
}

/// Runs an invocation on a new environment. An init that fails is repeated once, in a fresh environment
/// and inside the function's timeout; then its failure is the invocation's.
async fn cold(
    engine: &Inner,
    function: &Function,
    invocation: Invocation,
    response: Response,
) -> Result<Outcome, InvokeError> {
    let spec = &function.spec;
    let generation = function.pool.generation();
    let (mut journal, stream) = engine.journal(spec);
    init_starts(&mut journal, spec, Phase::Init, &stream);
    let limit = engine.options.init_timeout;
    let started = engine.starter.start(spec, &mut journal, &stream, limit).await;
    let mut attempt = Attempt::new(spec, invocation, response);
    match started {
        Ok((process, begun)) => {
            let took = begun.elapsed();
            attempt.init = Some(took);
            init_ends(&mut journal, Phase::Init, &Status::Success, took);
            Ok(attempt
                .on(Environment::new(process, journal, generation), function)
                .await)
        }
        Err(StartError::Platform(why)) => Err(InvokeError::Environment(why)),
        Err(StartError::Init(first)) => {
            first.tell(&mut journal, Phase::Init);
            attempt.begin_log(&mut journal);
            init_starts(&mut journal, spec, Phase::Invoke, &stream);
            let limit = spec.timeout;
            match engine.starter.start(spec, &mut journal, &stream, limit).await {
                Ok((process, begun)) => {
                    attempt.count_from(begun);
                    init_ends(&mut journal, Phase::Invoke, &Status::Success, begun.elapsed());
                    Ok(attempt
                        .on(Environment::new(process, journal, generation), function)
                        .await)
                }
                Err(StartError::Platform(why)) => Err(InvokeError::Environment(why)),
                Err(StartError::Init(again)) => {
                    again.tell(&mut journal, Phase::Invoke);
                    journal.platform(attempt.start());
                    attempt.count_from(again.begun);
                    let status = again.failure.init_status();
                    Ok(attempt
                        .finish(Err(again.failure), status, &mut journal, again.max_memory_mb)
                        .await)
                }
            }
        }
    }
}

impl InitFailed {
    fn tell(&self, journal: &mut Journal, phase: Phase) {
        init_ends(journal, phase, &self.failure.init_status(), self.took);
    }
}

fn init_starts(journal: &mut Journal, spec: &FunctionSpec, phase: Phase, stream: &str) {
    // The stream ends in what names the environment.
    let instance = stream.rsplit(']').next().unwrap_or(stream);
    journal.platform(PlatformEvent::InitStart {
        spec,
        phase,
        instance,
    });
}

fn init_ends(journal: &mut Journal, phase: Phase, status: &Status, took: Duration) {
    journal.platform(PlatformEvent::InitRuntimeDone { phase, status });
    journal.platform(PlatformEvent::InitReport { phase, status, took });
}

/// An invocation under way.
struct Attempt<'a> {
    spec: &'a FunctionSpec,
    invocation: Invocation,
    response: Response,
    begun: Instant,
    deadline: Instant,
    init: Option<Duration>,
}

impl<'a> Attempt<'a> {
    /// From here on the function's timeout counts.
    fn new(spec: &'a FunctionSpec, invocation: Invocation, response: Response) -> Self {
        let begun = Instant::now();
        Self {
            spec,
            invocation,
            response,
            begun,
            deadline: begun + spec.timeout,
            init: None,
        }
    }

    /// The function's timeout began earlier, with an init that is part of the invocation.
    fn count_from(&mut self, begun: Instant) {
        self.begun = begun;
        self.deadline = begun + self.spec.timeout;
    }

    /// Runs in an environment, which goes back to its pool if it can take another invocation.
    async fn on(mut self, mut environment: Environment, function: &Function) -> Outcome {
        self.begin_log(&mut environment.journal);
        environment.journal.platform(self.start());
        let Conversation { result, after } = self.call(&mut environment).await;
        let reusable = after.is_ok()
            && result
                .as_ref()
                .map_or_else(Failure::spares_the_environment, |_| true);
        let failure = result.as_ref().err().map(Failure::status);
        let trouble = after.as_ref().err().map(Failure::status);
        let status = trouble.or(failure).unwrap_or(Status::Success);
        if let Some(failure) = after.as_ref().err().or_else(|| result.as_ref().err())
            && !reusable
        {
            environment.process.reason = failure.shutdown_reason();
        }
        if let Err(after) = &after {
            explain(
                after,
                self.invocation.request_id,
                self.spec.timeout,
                &mut environment.journal,
            );
        }
        let memory = environment.process.peak_memory_mb();
        let outcome = self
            .finish(result, status, &mut environment.journal, memory)
            .await;
        if reusable {
            function.pool.put(environment);
        }
        outcome
    }

    async fn call(&mut self, environment: &mut Environment) -> Conversation {
        let Some(api) = environment.listeners() else {
            let result = self.exchange(environment).await;
            return Conversation {
                result,
                after: Ok(()),
            };
        };
        if api.look(|machine| machine.has_runtime()) {
            return self.converse(environment, &api).await;
        }
        drop(api.invoke(self.api_invocation()));
        let result = self.exchange(environment).await;
        let goes_on = result
            .as_ref()
            .map_or_else(Failure::spares_the_environment, |()| true);
        let Environment { process, journal, .. } = environment;
        let after = match goes_on {
            true => conversation::settle(process, journal, &api, self.deadline).await,
            false => Ok(()),
        };
        Conversation { result, after }
    }

    /// Calls a runtime that talks to the Runtime API.
    async fn converse(&mut self, environment: &mut Environment, api: &RuntimeApi) -> Conversation {
        let invocation = self.api_invocation();
        let Environment { process, journal, .. } = environment;
        conversation::invoke(
            process,
            journal,
            api,
            invocation,
            &mut self.response,
            self.deadline,
        )
        .await
    }

    fn api_invocation(&self) -> ApiInvocation {
        ApiInvocation {
            id: self.invocation.request_id,
            payload: self.invocation.payload.clone(),
            deadline_ms: self.deadline_ms(),
            invoked_arn: self.invocation.invoked_arn.clone(),
            trace: self.invocation.trace.clone(),
            client_context: self.invocation.client_context.clone(),
            cognito_identity: None,
        }
    }

    /// When the invocation must have ended, in milliseconds since the Unix epoch.
    fn deadline_ms(&self) -> i64 {
        let left = self.deadline.saturating_duration_since(Instant::now());
        unix_millis(SystemTime::now() + left)
    }

    /// Calls a runtime that talks frames.
    async fn exchange(&mut self, environment: &mut Environment) -> Result<(), Failure> {
        let number = environment.next_request();
        let invoke = Invoke {
            request_id: &self.invocation.request_id.to_string(),
            deadline_ms: self.deadline_ms(),
            invoked_function_arn: &self.invocation.invoked_arn,
            trace_id: self.invocation.trace.as_deref(),
            client_context: self.invocation.client_context.as_deref(),
            cognito_identity: None,
        };
        let process = &mut environment.process;
        let payload = self.invocation.payload.clone();
        let call = Call::start(
            number,
            &Frame::invoke(number, &invoke),
            payload,
            &mut self.response,
            &mut process.control,
        );
        let awaited = Awaited::Response(Box::new(call));
        exchange::run(process, &mut environment.journal, awaited, self.deadline).await
    }

    fn begin_log(&self, journal: &mut Journal) {
        if self.invocation.tail {
            journal.keep_tail();
        }
    }

    fn start(&self) -> PlatformEvent<'_> {
        PlatformEvent::Start {
            request_id: self.invocation.request_id,
            version: &self.spec.version,
        }
    }

    /// Tells how it ended and puts the outcome together.
    async fn finish(
        self,
        result: Result<(), Failure>,
        status: Status,
        journal: &mut Journal,
        max_memory_mb: u32,
    ) -> Outcome {
        let id = self.invocation.request_id;
        let timeout = self.spec.timeout;
        let duration = match &result {
            Err(Failure::TimedOut) => timeout,
            _ => self.begun.elapsed(),
        };
        let streamed = self.response.streamed_bytes();
        // The chunks of a stream end here, its log lines and the outcome follow.
        let result = result.map(|()| self.response.finish());
        let exit_memory = result.as_ref().err().map_or(0, Failure::peak_memory_mb);
        let report = Report {
            duration,
            init: self.init,
            memory_mb: self.spec.memory_mb,
            // What is taken in the moment before the limit bites is no memory that the function has.
            max_memory_mb: max_memory_mb.max(exit_memory).min(self.spec.memory_mb),
            produced_bytes: streamed + result.as_ref().map_or(0, |body| body.len()),
            status,
        };
        if let Err(failure) = &result {
            explain(failure, id, timeout, journal);
        }
        let failure = result.as_ref().err();
        let (request_id, report) = (id, &report);
        journal.platform(PlatformEvent::RuntimeDone { request_id, report });
        journal.platform(PlatformEvent::Report { request_id, report });
        let log_tail = journal.take_tail();
        journal.flush().await;
        let error = failure.map(|failure| FunctionError {
            kind: "Unhandled",
            error_type: failure.error_type().to_owned(),
        });
        Outcome {
            payload: result.unwrap_or_else(|failure| failure.payload(id, timeout)),
            error,
            log_tail,
            duration,
            init_duration: report.init,
            max_memory_mb: report.max_memory_mb,
        }
    }
}

/// Writes down what a failure has to say.
fn explain(failure: &Failure, id: RequestId, timeout: Duration, journal: &mut Journal) {
    if let Some(line) = failure.log_line(id, SystemTime::now(), timeout) {
        journal.explain(line);
    }
}
