//! What the platform tells runtime and extensions.

use bytes::Bytes;
use hearth_types::RequestId;
use serde_json::{Value, json};

/// One invocation, as the runtime's `next` delivers it.
#[derive(Clone, Debug)]
pub struct ApiInvocation {
    /// The request id.
    pub id: RequestId,
    /// The event.
    pub payload: Bytes,
    /// When it must be answered, in milliseconds since the Unix epoch.
    pub deadline_ms: i64,
    /// The ARN as the caller wrote it.
    pub invoked_arn: String,
    /// The `X-Amzn-Trace-Id` header.
    pub trace: Option<String>,
    /// The client context, JSON text.
    pub client_context: Option<String>,
    /// Identity of a mobile SDK's caller, JSON text.
    pub cognito_identity: Option<String>,
}

impl ApiInvocation {
    /// The headers of `next`, those that are empty left out.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        [
            ("lambda-runtime-aws-request-id", Some(self.id.to_string())),
            ("lambda-runtime-trace-id", self.trace.clone()),
            ("lambda-runtime-client-context", self.client_context.clone()),
            ("lambda-runtime-cognito-identity", self.cognito_identity.clone()),
            (
                "lambda-runtime-invoked-function-arn",
                Some(self.invoked_arn.clone()),
            ),
            ("lambda-runtime-deadline-ms", Some(self.deadline_ms.to_string())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
    }

    /// What extensions are told of it.
    pub(crate) fn extension_event(&self) -> Value {
        let trace = self.trace.as_deref().unwrap_or_default();
        json!({
            "eventType": "INVOKE",
            "deadlineMs": self.deadline_ms,
            "requestId": self.id.to_string(),
            "invokedFunctionArn": self.invoked_arn,
            "tracing": { "type": "X-Amzn-Trace-Id", "value": trace },
        })
    }
}

/// Why an environment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutdownReason {
    /// It is not needed any more.
    Spindown,
    /// An invocation or an init took too long.
    Timeout,
    /// The runtime or an extension failed.
    Failure,
}

impl ShutdownReason {
    /// As the SHUTDOWN event has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spindown => "SPINDOWN",
            Self::Timeout => "TIMEOUT",
            Self::Failure => "FAILURE",
        }
    }

    pub(crate) fn extension_event(self, deadline_ms: i64) -> Value {
        json!({
            "eventType": "SHUTDOWN",
            "shutdownReason": self.as_str(),
            "deadlineMs": deadline_ms,
        })
    }
}
