//! Live tails: what comes to some groups from now on, for whoever listens.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::event::Event;
use crate::follow::{Follower, Wanted};
use crate::group_key::GroupKey;
use crate::read::ReadError;
use crate::store::LogStore;

/// Live tails at the same time; AWS's number per account and region.
const TAILS: usize = 15;
/// How long one lives, as on AWS.
const LIFETIME: Duration = Duration::from_secs(3 * 60 * 60);
/// How long nothing may be said, so that a listener who is gone is noticed.
const SILENCE: Duration = Duration::from_secs(1);
/// Pages of one tail that wait for its listener; then its groups are read no further.
const WAITING: usize = 4;

/// The live tails of a server.
#[derive(Debug)]
pub(crate) struct LiveTails {
    places: Arc<Semaphore>,
    closing: watch::Sender<bool>,
}

impl Default for LiveTails {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(TAILS)),
            closing: watch::Sender::new(false),
        }
    }
}

/// Events of one group.
pub(crate) struct Arrived {
    pub(crate) group: Arc<str>,
    pub(crate) events: Vec<Event>,
}

/// One live tail. Dropping it ends it.
pub(crate) struct LiveTail {
    arrivals: mpsc::Receiver<Arrived>,
    closing: watch::Receiver<bool>,
    end: Instant,
    _followers: JoinSet<()>,
    _place: OwnedSemaphorePermit,
}

impl LiveTails {
    /// Begins a tail; `None` if there are as many as there may be.
    pub(crate) async fn begin(
        &self,
        logs: &LogStore,
        groups: &[GroupKey],
        wanted: Wanted,
    ) -> Result<Option<LiveTail>, ReadError> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return Ok(None);
        };
        let (sender, arrivals) = mpsc::channel(WAITING);
        let wanted = Arc::new(wanted);
        let mut followers = JoinSet::new();
        for key in groups {
            let follower = logs.follow(&key.scope, &key.name, wanted.clone()).await?;
            followers.spawn(pass_on(follower, Arc::clone(&key.name), sender.clone()));
        }
        Ok(Some(LiveTail {
            arrivals,
            closing: self.closing.subscribe(),
            end: Instant::now() + LIFETIME,
            _followers: followers,
            _place: place,
        }))
    }

    /// Ends all tails: the server stops.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }
}

impl LiveTail {
    /// What came, or nothing after a while without; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Option<Arrived>> {
        tokio::select! {
            biased;
            _ = self.closing.wait_for(|closing| *closing) => None,
            () = sleep_until(self.end) => None,
            arrived = self.arrivals.recv() => arrived.map(Some),
            () = sleep(SILENCE) => Some(None),
        }
    }
}

async fn pass_on(mut follower: Follower, group: Arc<str>, to: mpsc::Sender<Arrived>) {
    loop {
        let events = match follower.next().await {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!(group = &*group, %error, "a live tail ends: its log cannot be read");
                return;
            }
        };
        let group = Arc::clone(&group);
        if to.send(Arrived { group, events }).await.is_err() {
            return;
        }
    }
}
