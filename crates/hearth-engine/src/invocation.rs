//! What goes into an invocation and what comes out.

use std::time::Duration;

use bytes::Bytes;
use hearth_types::RequestId;

/// One request to run a function.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The id in the function's context, its log lines and the response headers.
    pub request_id: RequestId,
    /// The event, JSON text; passed on untouched.
    pub payload: Bytes,
    /// The ARN as the caller wrote it, with the qualifier if there was one.
    pub invoked_arn: String,
    /// The client context, JSON text.
    pub client_context: Option<String>,
    /// The `X-Amzn-Trace-Id` header.
    pub trace: Option<String>,
    /// Whether the caller wants the end of the log.
    pub tail: bool,
}

/// How a function failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// `X-Amz-Function-Error`: always `Unhandled` with current runtimes.
    pub kind: &'static str,
    /// The error type, such as `Runtime.ExitError`.
    pub error_type: String,
}

/// What an invocation that ran came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The function's answer, or the error document. Empty where the answer was streamed.
    pub payload: Bytes,
    /// Set when the function failed.
    pub error: Option<FunctionError>,
    /// The last [`hearth_types::limits::LOG_TAIL`] bytes of the log, if asked for.
    pub log_tail: Option<Bytes>,
    /// How long the handler ran.
    pub duration: Duration,
    /// The init that this invocation waited for, on a cold start.
    pub init_duration: Option<Duration>,
    /// Peak memory of the environment, in MB.
    pub max_memory_mb: u32,
}

/// Why an invocation did not run at all. Nothing of it reached the function.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// A concurrency limit is reached.
    #[error("Rate Exceeded.")]
    Throttled(ThrottleReason),
    /// This revision was replaced or deleted; look the function up again.
    #[error("the revision is retired")]
    Retired,
    /// The node is going down.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// The code is a folder that cannot be shown any more, for this reason, in words for the user.
    #[error("{0}")]
    Code(String),
    /// The platform could not provide an environment.
    #[error("no execution environment could be started: {0}")]
    Environment(String),
}

/// Which limit refused an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThrottleReason {
    /// The account's unreserved concurrency is used up.
    ConcurrentInvocationLimitExceeded,
    /// The function's reserved concurrency is used up.
    ReservedFunctionConcurrentInvocationLimitExceeded,
}

impl ThrottleReason {
    /// The `Reason` of TooManyRequestsException.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConcurrentInvocationLimitExceeded => "ConcurrentInvocationLimitExceeded",
            Self::ReservedFunctionConcurrentInvocationLimitExceeded => {
                "ReservedFunctionConcurrentInvocationLimitExceeded"
            }
        }
    }
}
