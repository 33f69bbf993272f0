//! When to stop.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Tells everybody who asks that it is time to stop.
#[derive(Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

/// Begins to listen for SIGTERM, which the launcher passes on.
pub(super) fn stop() -> io::Result<Stop> {
    let mut terminate = signal(SignalKind::terminate())?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        terminate.recv().await;
        sender.send_replace(true);
    });
    Ok(Stop(receiver))
}

impl Stop {
    /// Resolves when it is time to stop.
    pub(super) async fn come(&self) {
        let mut receiver = self.0.clone();
        // The sender lives until it has sent.
        let _ = receiver.wait_for(|stop| *stop).await;
    }
}
