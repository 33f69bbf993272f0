//! One attempt at an asynchronous invocation, from the lease to the settled message.

use std::time::{Duration, SystemTime};

use hearth_engine::{Invocation, Outcome, QueuedEvent};
use hearth_store::{Leased, StoreError, Unit};
use hearth_types::Scope;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, error, info, warn};

use super::Worker;
use super::count::count;
use super::event::{Event, Head, NotAnEvent, request_id};
use super::verdict::{self, History, NotReached, Verdict};
use crate::running::{self, NotRun};

/// Runs a leased event and settles it.
pub(super) async fn attempt(worker: &Worker, leased: Leased) {
    let id = leased.lease.id.clone();
    let unit = match Event::from_body(&leased.message.body) {
        Ok(event) => match run(worker, &leased, &event).await {
            Ok(unit) => unit,
            Err(NotAnEvent) => unreadable(&leased),
        },
        Err(NotAnEvent) => unreadable(&leased),
    };
    match worker.store.commit(unit).await {
        Ok(_) => {}
        Err(StoreError::LeaseLost { .. }) => debug!(request = %id, "another attempt was faster"),
        // The lease runs out, and the event is attempted again.
        Err(error) => warn!(request = %id, %error, "an asynchronous invocation could not be settled"),
    }
}

/// What to commit after the attempt.
async fn run(worker: &Worker, leased: &Leased, event: &Event) -> Result<Unit, NotAnEvent> {
    let scope = &leased.message.scope;
    let arn = event.arn(scope);
    let invocation = Invocation {
        request_id: request_id(&leased.message)?,
        payload: event.payload.clone(),
        invoked_arn: event.head.invoked_arn.clone(),
        client_context: event.head.client_context.clone(),
        trace: event.head.trace.clone(),
        tail: false,
    };
    let age = SystemTime::now()
        .duration_since(event.accepted_at())
        .unwrap_or_default();
    let running = running::run(&worker.registry, &arn, &event.head.qualifier, invocation);
    let result = match keeping_lease(worker, leased, running).await {
        Err(NotRun::NoSuchFunction(arn)) => {
            info!(request = %leased.lease.id, function = %arn, "event dropped: the function was deleted");
            happened(worker, scope, event, QueuedEvent::Dropped);
            return Ok(Unit::new().acknowledge(&leased.lease));
        }
        Err(NotRun::NotReady(_)) => Err(NotReached::NotActive),
        Err(NotRun::Engine(error)) => Err(NotReached::Engine(error)),
        Ok((outcome, _)) => {
            happened(worker, scope, event, QueuedEvent::Attempted(age));
            Ok(outcome)
        }
    };
    Ok(settle(worker, leased, event, &result))
}

fn settle(worker: &Worker, leased: &Leased, event: &Event, result: &Result<Outcome, NotReached>) -> Unit {
    let history = History {
        accepted_at: event.accepted_at(),
        failures: event.head.failures,
        receives: leased.receives,
    };
    let lease = &leased.lease;
    match verdict::decide(result, history, SystemTime::now(), &worker.options) {
        Verdict::Done => Unit::new().acknowledge(lease),
        Verdict::Return { due } => Unit::new().give_back(lease, due),
        Verdict::Retry { due } => {
            let head = Head {
                failures: event.head.failures + 1,
                ..event.head.clone()
            };
            let next = Event {
                head,
                payload: event.payload.clone(),
            };
            let message = next.to_message(lease.scope.clone(), &lease.id, due);
            Unit::new()
                .acknowledge(lease)
                .enqueue(lease.queue.clone(), message)
        }
        Verdict::Drop(reason) => {
            let function = event.arn(&lease.scope);
            warn!(request = %lease.id, %function, ?reason, "event dropped");
            happened(worker, &lease.scope, event, QueuedEvent::Dropped);
            Unit::new().acknowledge(lease)
        }
    }
}

/// Counts what happened to an event.
fn happened(worker: &Worker, scope: &Scope, event: &Event, what: QueuedEvent) {
    count(&worker.options, &event.arn(scope), &event.head.invoked_arn, what);
}

fn unreadable(leased: &Leased) -> Unit {
    error!(request = %leased.lease.id, "event dropped: it cannot be read");
    Unit::new().acknowledge(&leased.lease)
}

/// Waits for a future while renewing the lease, so that no other node takes the event meanwhile.
async fn keeping_lease<T>(worker: &Worker, leased: &Leased, future: impl Future<Output = T>) -> T {
    let period = worker.options.event_lease;
    let mut future = std::pin::pin!(future);
    let mut ticks = interval((period / 3).max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        tokio::select! {
            result = &mut future => return result,
            _ = ticks.tick() => {
                if let Err(error) = worker.store.extend(&leased.lease, period).await {
                    debug!(request = %leased.lease.id, %error, "the lease could not be renewed");
                }
            }
        }
    }
}
