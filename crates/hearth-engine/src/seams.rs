//! What the engine needs from its surroundings.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hearth_network::Endpoint;
use hearth_types::{FunctionArn, LogEvent, Qualifier, Scope};

use crate::{FunctionSpec, InvocationRecord};

/// Log events of one environment, in order.
#[derive(Clone, Debug)]
pub struct LogBatch {
    /// Account and region of the function.
    pub scope: Scope,
    /// The log group.
    pub group: String,
    /// The environment's log stream.
    pub stream: String,
    /// The events, oldest first.
    pub events: Vec<LogEvent>,
}

/// Where log events go.
pub trait LogSink: Send + Sync + 'static {
    /// Hands over a batch. Resolves when the sink has room for it, so that a function that prints
    /// without end waits for its own log and nobody else does.
    fn append(&self, batch: LogBatch) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// What can happen to an event of an asynchronous invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueuedEvent {
    /// It was accepted.
    Received,
    /// An attempt at it ran, when it was so old.
    Attempted(Duration),
    /// It was given up.
    Dropped,
}

/// Where invocations are counted.
pub trait Meter: Send + Sync + std::fmt::Debug + 'static {
    /// What counts those of a version, or of `$LATEST`. Asked once per revision that is deployed.
    fn function(&self, arn: &FunctionArn, version: &Qualifier) -> Arc<dyn FunctionMeter>;
}

/// Counts the invocations of one version. Every invocation passes here before its caller is answered: implementations
/// return at once, make no system call and allocate nothing but now and then.
pub trait FunctionMeter: Send + Sync + std::fmt::Debug {
    /// An invocation came to its end. `qualifier` is the version or alias that it was invoked by, if it was by one.
    fn invoked(&self, qualifier: Option<&str>, record: &InvocationRecord);

    /// An invocation was refused.
    fn throttled(&self, qualifier: Option<&str>);

    /// Something happened to an event that waits for the function, or waited.
    fn event(&self, qualifier: Option<&str>, what: QueuedEvent);

    /// Environments have used so much CPU time since the last time it was told.
    fn used_cpu(&self, time: Duration);
}

/// The three credential variables of an environment.
#[derive(Clone)]
pub struct SessionVariables {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: String,
}

/// Where environments get their temporary credentials.
pub trait CredentialSource: Send + Sync + 'static {
    /// Fresh credentials bound to the function's account, role and name; they must outlive the
    /// environment ([`crate::EngineOptions::environment_lifetime`]).
    fn session(&self, spec: &FunctionSpec) -> SessionVariables;
}

/// Hearth's own API, as environments reach it.
pub trait Api: Send + Sync + 'static {
    /// What answers the connections of an environment of this function, whose session has this access key.
    fn endpoint(&self, spec: &FunctionSpec, access_key_id: &str) -> Arc<dyn Endpoint>;
}
