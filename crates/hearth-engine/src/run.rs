//! One admitted invocation, from the environment it gets to its outcome.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hearth_runtime::api::{ApiInvocation, RuntimeApi};
use hearth_runtime::frames::{Frame, Invoke};
use hearth_types::time::unix_millis;
use tokio::time::Instant;

use crate::admission::Permit;
use crate::aftermath::{Aftermath, explain};
use crate::conversation;
use crate::engine::Inner;
use crate::environment::Environment;
use crate::exchange::{self, Awaited, Call};
use crate::failure::Failure;
use crate::journal::Journal;
use crate::record::Count;
use crate::report::{Phase, PlatformEvent, Report, Status};
use crate::response::Response;
use crate::start::{InitFailed, StartError};
use crate::supply::{self, FirstFailure, Refusal};
use crate::turns::Claimant;
use crate::{Conclusion, Function, FunctionError, FunctionSpec, Invocation, InvokeError, Outcome};

/// Runs an invocation on the environment that it gets.
pub(crate) async fn run(engine: &Arc<Inner>, mut attempt: Attempt) -> Result<Outcome, InvokeError> {
    engine.starter.settle(attempt.spec()).await?;
    match supply::environment(engine, &attempt.function, attempt.trace()).await {
        Ok(mut environment) => {
            attempt.init = environment.init.take();
            attempt.cold = attempt.init.is_some();
            Ok(attempt.from(Instant::now()).on(environment).await)
        }
        Err(Refusal::Error(why)) => {
            attempt.refused(&why);
            Err(why)
        }
        Err(Refusal::Init(first)) => again(engine, attempt, *first).await,
    }
}

/// Repeats an init that has failed: once, in a fresh environment and inside the function's timeout. Then its failure is
/// the invocation's.
async fn again(engine: &Inner, mut attempt: Attempt, first: FirstFailure) -> Result<Outcome, InvokeError> {
    let FirstFailure {
        mut journal,
        stream,
        generation,
    } = first;
    attempt.cold = true;
    let spec = attempt.spec();
    attempt.begin_log(&mut journal);
    init_starts(&mut journal, spec, Phase::Invoke, &stream);
    let pool = &attempt.function.pool;
    let (limit, claimant) = (spec.timeout, Claimant::of(pool));
    match engine
        .starter
        .start(spec, &mut journal, &stream, limit, claimant)
        .await
    {
        Ok((mut process, begun)) => {
            process.meter = Some(Arc::clone(&attempt.function.meter));
            init_ends(&mut journal, Phase::Invoke, &Status::Success, begun.elapsed());
            let environment = Environment::new(process, journal, generation, None);
            let environment = pool.enlist(environment, attempt.trace());
            Ok(attempt.from(begun).on(environment).await)
        }
        Err(StartError::Init(failed)) => {
            failed.tell(&mut journal, Phase::Invoke);
            journal.platform(attempt.start());
            Ok(attempt.from(failed.begun).never_ran(failed, &mut journal).await)
        }
        Err(StartError::Platform(why)) => Err(unprovided(&mut journal, why).await),
        Err(StartError::NotWanted) => Err(unprovided(&mut journal, String::new()).await),
    }
}

/// There is no environment. What its function has told of its init by then is not lost.
async fn unprovided(journal: &mut Journal, why: String) -> InvokeError {
    journal.flush().await;
    InvokeError::Environment(why)
}

impl InitFailed {
    pub(crate) fn tell(&self, journal: &mut Journal, phase: Phase) {
        init_ends(journal, phase, &self.failure.init_status(), self.took);
    }
}

pub(crate) fn init_starts(journal: &mut Journal, spec: &FunctionSpec, phase: Phase, stream: &str) {
    // The stream ends in what names the environment.
    let instance = stream.rsplit(']').next().unwrap_or(stream);
    journal.platform(PlatformEvent::InitStart {
        spec,
        phase,
        instance,
    });
}

pub(crate) fn init_ends(journal: &mut Journal, phase: Phase, status: &Status, took: Duration) {
    journal.platform(PlatformEvent::InitRuntimeDone { phase, status });
    journal.platform(PlatformEvent::InitReport { phase, status, took });
}

/// An invocation under way.
pub(crate) struct Attempt {
    function: Arc<Function>,
    /// Its place among those that run.
    permit: Permit,
    invocation: Invocation,
    response: Response,
    admitted: Instant,
    begun: Instant,
    deadline: Instant,
    init: Option<Duration>,
    /// Whether an environment is started for it.
    cold: bool,
}

impl Attempt {
    pub(crate) fn new(
        function: Arc<Function>,
        permit: Permit,
        invocation: Invocation,
        response: Response,
    ) -> Self {
        let begun = Instant::now();
        Self {
            deadline: begun + function.spec.timeout,
            function,
            permit,
            invocation,
            response,
            admitted: begun,
            begun,
            init: None,
            cold: false,
        }
    }

    fn spec(&self) -> &FunctionSpec {
        &self.function.spec
    }

    /// Counts it, if it was refused.
    fn refused(&self, error: &InvokeError) {
        if matches!(error, InvokeError::Throttled(_)) {
            self.function.throttled(&self.invocation);
        }
    }

    /// What it has in common with those that it calls and was called by.
    fn trace(&self) -> Option<u64> {
        self.invocation.trace.as_deref().map(supply::trace_root)
    }

    /// The function's timeout counts from then on: from its first frame, or with an init that is part of it.
    fn from(self, begun: Instant) -> Self {
        Self {
            begun,
            deadline: begun + self.spec().timeout,
            ..self
        }
    }

    /// Runs in an environment, which goes back to its pool if it can take another invocation.
    async fn on(mut self, mut environment: Environment) -> Outcome {
        self.begin_log(&mut environment.journal);
        environment.journal.platform(self.start());
        let result = self.call(&mut environment).await;
        let fatal = result
            .as_ref()
            .err()
            .filter(|failure| !failure.spares_the_environment());
        let reusable = fatal.is_none();
        if let Some(failure) = fatal {
            environment.process.reason = failure.shutdown_reason();
        }
        let status = result.as_ref().err().map_or(Status::Success, Failure::status);
        let (deadline, tail) = (self.deadline, self.invocation.tail);
        let request_id = self.invocation.request_id;
        // Who asks for the log looks at this invocation alone.
        let memory = match tail || !reusable {
            true => environment.process.peak_memory_mb(),
            false => environment.process.recent_peak_memory_mb(),
        };
        let answered = self.answer(result, status, &mut environment.journal, memory);
        let aftermath = Aftermath {
            function: answered.function,
            permit: answered.permit,
            environment,
            reusable,
            request_id,
            deadline,
            report: answered.report,
            count: answered.count,
            runtime_done: false,
        };
        aftermath.run(answered.outcome, tail).await
    }

    /// Tells of an invocation that no environment could be started for, since the function's init fails.
    async fn never_ran(self, init: InitFailed, journal: &mut Journal) -> Outcome {
        let request_id = self.invocation.request_id;
        let status = init.failure.init_status();
        let mut answered = self.answer(Err(init.failure), status, journal, init.max_memory_mb);
        let report = &answered.report;
        journal.platform(PlatformEvent::RuntimeDone { request_id, report });
        journal.platform(PlatformEvent::Report { request_id, report });
        answered.count.close(&answered.function, report);
        answered.outcome.log_tail = journal.take_tail();
        journal.flush().await;
        answered.outcome
    }

    /// Calls the runtime.
    async fn call(&mut self, environment: &mut Environment) -> Result<(), Failure> {
        match environment.listeners() {
            Some(api) if api.look(|machine| machine.has_runtime()) => self.converse(environment, &api).await,
            Some(api) => {
                drop(api.invoke(self.api_invocation()));
                self.exchange(environment).await
            }
            None => self.exchange(environment).await,
        }
    }

    /// Calls a runtime that talks to the Runtime API.
    async fn converse(&mut self, environment: &mut Environment, api: &RuntimeApi) -> Result<(), Failure> {
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
            version: &self.spec().version,
        }
    }

    /// Ends the response: what the caller gets, without the end of the log, and what there is to report so far.
    fn answer(
        self,
        result: Result<(), Failure>,
        status: Status,
        journal: &mut Journal,
        max_memory_mb: u32,
    ) -> Answered {
        let conclusion = result
            .as_ref()
            .err()
            .map_or(Conclusion::Success, Failure::conclusion);
        let Self { function, permit, .. } = self;
        let (id, spec) = (self.invocation.request_id, &function.spec);
        let timeout = spec.timeout;
        let duration = match &result {
            Err(Failure::TimedOut) => timeout,
            _ => self.begun.elapsed(),
        };
        let streamed = self.response.streamed_bytes();
        // The chunks of a stream end here, its log lines and the outcome follow.
        let result = result.map(|()| self.response.finish());
        let exit_memory = result.as_ref().err().map_or(0, Failure::peak_memory_mb);
        let mut report = Report {
            duration,
            init: self.init,
            memory_mb: spec.memory_mb,
            max_memory_mb: 0,
            produced_bytes: streamed + result.as_ref().map_or(0, |body| body.len()),
            status,
        };
        report.saw_memory(max_memory_mb.max(exit_memory));
        if let Err(failure) = &result {
            explain(failure, id, timeout, journal);
        }
        let error = result.as_ref().err().map(|failure| FunctionError {
            kind: "Unhandled",
            error_type: failure.error_type().to_owned(),
        });
        let outcome = Outcome {
            payload: result.unwrap_or_else(|failure| failure.payload(id, timeout)),
            error,
            log_tail: None,
            duration,
            init_duration: report.init,
            max_memory_mb: report.max_memory_mb,
        };
        let count = Count {
            invoked_arn: self.invocation.invoked_arn,
            begun: self.begun,
            conclusion,
            cold: self.cold,
            waited: self.begun.saturating_duration_since(self.admitted),
            bytes_in: self.invocation.payload.len(),
            running: permit.running(),
        };
        Answered {
            function,
            permit,
            outcome,
            report,
            count,
        }
    }
}

/// What is left of an attempt when the function has answered, or never will.
struct Answered {
    function: Arc<Function>,
    permit: Permit,
    outcome: Outcome,
    report: Report,
    count: Count,
}
