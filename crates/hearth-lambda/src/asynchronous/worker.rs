//! Takes events out of the queue as places become free, and starts an attempt at each.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hearth_store::{Leased, Store, StoreError, Unit};
use hearth_types::FunctionArn;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::attempt::attempt;
use super::event::Event;
use super::lanes::Lanes;
use super::queue;
use crate::LambdaOptions;
use crate::registry::Registry;

/// Most events taken at once, so that few lie in memory while their turn has not come.
const BATCH: usize = 32;
/// Longest time between two looks into the queue, in case the clock was changed.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// Wait after the store failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Runs the events of the queue.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) options: Arc<LambdaOptions>,
}

/// The attempts under way.
struct Attempts {
    tasks: JoinSet<()>,
    running: HashMap<Id, (FunctionArn, Instant)>,
    lanes: Lanes,
}

impl Worker {
    /// Works until `closing` is set, then waits for the attempts under way.
    pub(crate) async fn run(self, mut closing: watch::Receiver<bool>) {
        let mut arrivals = self.store.arrivals(&queue());
        let mut attempts = Attempts::new(self.options.concurrent_events);
        while !*closing.borrow() {
            arrivals.mark_unchanged();
            // Also while the queue never runs empty, or places would never become free.
            attempts.collect();
            let pause = match self.start_due(&mut attempts).await {
                Ok(pause) => pause,
                Err(error) => {
                    warn!(%error, "asynchronous invocations have to wait");
                    Some(AFTER_FAILURE)
                }
            };
            let Some(pause) = pause else { continue };
            tokio::select! {
                _ = closing.changed() => {}
                _ = arrivals.changed(), if attempts.lanes.free() > 0 => {}
                Some(ended) = attempts.tasks.join_next_with_id() => attempts.ended(ended),
                () = sleep(pause) => {}
            }
        }
        while attempts.tasks.join_next().await.is_some() {}
    }

    /// Starts attempts at events that are due. How long to wait before the next look, `None` for not at all.
    async fn start_due(&self, attempts: &mut Attempts) -> Result<Option<Duration>, StoreError> {
        let limit = attempts.lanes.free().min(BATCH);
        if limit == 0 {
            return Ok(Some(LONGEST_SLEEP));
        }
        let batch = self
            .store
            .lease(&queue(), limit, self.options.event_lease)
            .await?;
        if batch.is_empty() {
            let next = self.store.next_due(&queue()).await?;
            let pause = next.map(|due| due.duration_since(SystemTime::now()).unwrap_or_default());
            return Ok(Some(pause.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)));
        }
        let mut sent_away = Unit::new();
        for leased in batch {
            if let Some((leased, wait)) = attempts.start(self, leased) {
                sent_away = sent_away.give_back(&leased.lease, SystemTime::now() + wait);
            }
        }
        if !sent_away.operations().is_empty() {
            self.store.commit(sent_away).await?;
        }
        Ok(None)
    }
}

impl Attempts {
    fn new(places: usize) -> Self {
        Self {
            tasks: JoinSet::new(),
            running: HashMap::new(),
            lanes: Lanes::new(places),
        }
    }

    /// Starts an attempt, or returns the event with the time its function's lane is full for.
    fn start(&mut self, worker: &Worker, leased: Leased) -> Option<(Leased, Duration)> {
        let now = Instant::now();
        // An event that cannot be read has no lane; its attempt settles it at once.
        if let Ok(event) = Event::from_body(&leased.message.body) {
            let arn = event.arn(&leased.message.scope);
            if let Err(wait) = self.lanes.enter(&arn, now) {
                return Some((leased, wait));
            }
            let id = self.spawn(worker, leased);
            self.running.insert(id, (arn, now));
        } else {
            self.spawn(worker, leased);
        }
        None
    }

    fn spawn(&mut self, worker: &Worker, leased: Leased) -> Id {
        let worker = worker.clone();
        self.tasks
            .spawn(async move { attempt(&worker, leased).await })
            .id()
    }

    /// Frees the places of all attempts that have ended by now.
    fn collect(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.ended(ended);
        }
    }

    /// Frees the place of an attempt that has ended, however it did.
    fn ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => error.id(),
        };
        if let Some((arn, since)) = self.running.remove(&id) {
            let now = Instant::now();
            self.lanes.leave(&arn, now - since, now);
        }
    }
}
