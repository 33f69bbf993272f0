//! What a caller may do, as long as there are no policies: an account everything in itself, a function
//! what uses its neighbours and nothing that changes them.

use hearth_wire::{Caller, CallerKind};

use super::refusal::Refusal;

/// The operations open to functions, by service and name.
const OPEN_TO_SESSIONS: &[(&str, &str)] = &[
    ("lambda", "Invoke"),
    ("lambda", "InvokeFunctionUrl"),
    ("lambda", "InvokeWithResponseStream"),
    ("sts", "GetCallerIdentity"),
];

/// Refuses operations that the caller may not use.
pub(super) fn check(caller: &Caller, service: &str, operation: &str) -> Result<(), Refusal> {
    let session = matches!(caller.kind, CallerKind::Session { .. });
    if !session || OPEN_TO_SESSIONS.contains(&(service, operation)) {
        return Ok(());
    }
    Err(Refusal::Denied {
        arn: caller.arn.clone(),
        action: format!("{}:{}", prefix(service), action(operation)),
    })
}

/// What the actions of a service begin with: nearly always the name it signs with.
fn prefix(service: &str) -> &str {
    match service {
        "monitoring" => "cloudwatch",
        service => service,
    }
}

/// The action a policy would name; operations that invoke share one.
fn action(operation: &str) -> &str {
    match operation {
        "InvokeAsync" | "InvokeWithResponseStream" => "InvokeFunction",
        operation => operation,
    }
}
