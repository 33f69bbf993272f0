//! What is counted of events.

use hearth_engine::QueuedEvent;
use hearth_types::{FunctionArn, FunctionReference, Qualifier};

use crate::LambdaOptions;

/// Counts what happened to an event that was sent to `invoked_arn`, a name of the function `arn`.
pub(super) fn count(options: &LambdaOptions, arn: &FunctionArn, invoked_arn: &str, what: QueuedEvent) {
    let Some(meter) = &options.meter else { return };
    let reference = FunctionReference::parse(invoked_arn).ok();
    let qualifier = reference.and_then(|reference| reference.qualifier);
    let version = match &qualifier {
        Some(version @ Qualifier::Version(_)) => version.clone(),
        _ => Qualifier::Latest,
    };
    let qualifier = qualifier.map(|qualifier| qualifier.to_string());
    meter.function(arn, &version).event(qualifier.as_deref(), what);
}
