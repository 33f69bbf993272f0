//! When interpreters boot that nobody waits for: when nobody waits for one that boots.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::engine::Inner;

/// After a start there is an init and an invocation, most of which end within this time.
const CALM: Duration = Duration::from_millis(10);
/// How long starts may put off a boot that nobody waits for.
const PATIENCE: Duration = Duration::from_secs(1);
/// Beyond what the setting asks for, so many times the node's reserve must be left.
const SPARE: u64 = 2;

/// Tells the refill what is going on.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    starting: AtomicUsize,
    changed: Notify,
}

/// A start for a request, until the interpreter runs.
#[derive(Debug)]
pub(crate) struct Starting<'a>(&'a Traffic);

impl Traffic {
    /// Somebody waits for a start.
    pub(crate) fn start(&self) -> Starting<'_> {
        self.starting.fetch_add(1, Ordering::Relaxed);
        Starting(self)
    }

    /// Something may be missing.
    pub(crate) fn call(&self) {
        self.changed.notify_one();
    }

    /// Waits for a moment in which nobody waits, but not for ever.
    async fn calm(&self) {
        let patience = Instant::now() + PATIENCE;
        loop {
            sleep(CALM).await;
            if self.starting.load(Ordering::Relaxed) == 0 || Instant::now() >= patience {
                return;
            }
        }
    }
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        self.0.starting.fetch_sub(1, Ordering::Relaxed);
        self.0.call();
    }
}

/// Boots what is missing, one after the other, for as long as the engine exists.
pub(crate) async fn run(engine: Weak<Inner>, traffic: Arc<Traffic>) {
    loop {
        traffic.changed.notified().await;
        while let Some(engine) = engine.upgrade() {
            traffic.calm().await;
            if !refill(&engine).await {
                break;
            }
        }
        if engine.strong_count() == 0 {
            return;
        }
    }
}

/// Boots one that is missing; whether there may be more.
async fn refill(engine: &Inner) -> bool {
    let starter = &engine.starter;
    let Some(missing) = starter.ready.missing() else {
        return false;
    };
    if !engine.room.has_spare(if missing.is_due { 1 } else { SPARE }) {
        starter.ready.make_do(missing.key);
        return true;
    }
    match starter.boot_ready(missing.key).await {
        Ok(process) => {
            starter.ready.add(missing.key, process);
            true
        }
        Err(error) => {
            tracing::warn!(?error, "no environment could be made ready");
            false
        }
    }
}
