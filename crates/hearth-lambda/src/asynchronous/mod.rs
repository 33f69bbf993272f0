//! Asynchronous invocations: accepted once they are on disk, run at least once, retried by AWS's rules.
//!
//! All events wait in one durable queue. A [`Worker`] leases those that are due, runs each through the engine
//! with the request id it was accepted with, and settles it in one commit: done, due again, or dropped.

mod attempt;
mod count;
mod event;
mod lanes;
mod verdict;
mod worker;

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use hearth_engine::{Invocation, QueuedEvent};
use hearth_store::{QueueName, Store, StoreError, Unit};
use hearth_types::{FunctionArn, Qualifier, time};

use self::event::{Event, Head};
pub(crate) use self::worker::Worker;
use crate::LambdaOptions;

/// The queue of all asynchronous invocations.
pub(crate) fn queue() -> QueueName {
    QueueName::new("invocations")
}

/// Makes an invocation durable. Once this answers, it will be attempted.
pub(crate) async fn accept(
    store: &Arc<dyn Store>,
    options: &LambdaOptions,
    arn: &FunctionArn,
    qualifier: Qualifier,
    invocation: Invocation,
    now: SystemTime,
) -> Result<(), StoreError> {
    let Invocation {
        request_id,
        payload,
        invoked_arn,
        client_context,
        trace,
        tail: _,
    } = invocation;
    let sent_to = invoked_arn.clone();
    let head = Head {
        function: arn.name.clone(),
        qualifier,
        invoked_arn,
        client_context,
        trace,
        accepted_ms: time::unix_millis(now).unsigned_abs(),
        failures: 0,
    };
    let message = Event {
        head,
        payload: Bytes::clone(&payload),
    }
    .to_message(arn.scope.clone(), &request_id.to_string(), now);
    store.commit(Unit::new().enqueue(queue(), message)).await?;
    count::count(options, arn, &sent_to, QueuedEvent::Received);
    Ok(())
}
