//! Records on their way to one subscriber.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hearth_runtime::api::telemetry::{Batch, Destination, Subscription};
use hearth_types::time::iso8601;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::connector::{Connection, Connector};

/// How often a batch is tried, and the pause between.
const ATTEMPTS: usize = 3;
const PAUSE: Duration = Duration::from_millis(100);
/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a delivery is given.
#[derive(Debug)]
pub(crate) enum Message {
    /// A record, JSON text, and the room it takes until it is part of a batch.
    Record(Arc<str>, OwnedSemaphorePermit),
    /// Everything before is to be delivered now.
    Flush(oneshot::Sender<()>),
}

/// Records that a subscriber did not get, and their bytes, of which it does not know yet. Clones share everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dropped(Arc<Mutex<(u64, u64)>>);

impl Dropped {
    pub(crate) fn add(&self, records: u64, bytes: u64) {
        let mut dropped = self.lock();
        *dropped = (dropped.0 + records, dropped.1 + bytes);
    }

    pub(crate) fn take(&self) -> (u64, u64) {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, (u64, u64)> {
        // No code panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Delivers until the environment ends.
pub(crate) async fn run(
    mut messages: mpsc::Receiver<Message>,
    subscription: Subscription,
    connector: Connector,
    dropped: Dropped,
) {
    let mut line = Line {
        connector,
        destination: subscription.destination.clone(),
        open: None,
        dropped,
    };
    while let Some(first) = messages.recv().await {
        let (batch, flushed) = gather(first, &mut messages, &subscription).await;
        line.deliver(batch).await;
        if let Some(flushed) = flushed {
            let _ = flushed.send(());
        }
    }
}

/// A batch that is full, old enough, or asked for.
async fn gather(
    first: Message,
    messages: &mut mpsc::Receiver<Message>,
    subscription: &Subscription,
) -> (Batch, Option<oneshot::Sender<()>>) {
    let mut batch = Batch::default();
    let end = Instant::now() + subscription.timeout;
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Message::Flush(flushed) => return (batch, Some(flushed)),
            Message::Record(record, room) => {
                drop(room);
                batch.push(record);
            }
        }
        if batch.is_full(subscription.max_items, subscription.max_bytes) {
            break;
        }
        next = timeout_at(end, messages.recv()).await.ok().flatten();
    }
    (batch, None)
}

/// The way to a subscriber.
struct Line {
    connector: Connector,
    destination: Destination,
    open: Option<Open>,
    dropped: Dropped,
}

enum Open {
    Http(SendRequest<Full<Bytes>>),
    Tcp(Connection),
}

impl Line {
    /// Delivers a batch, and with it how much was dropped before: when records find no room, some wait here.
    async fn deliver(&mut self, mut batch: Batch) {
        let (records, bytes) = batch.size();
        let dropped = self.dropped.take();
        if dropped.0 > 0 {
            batch.push(logs_dropped(dropped));
        }
        if batch.is_empty() {
            return;
        }
        for attempt in 1..=ATTEMPTS {
            match timeout(PATIENCE, self.send(&batch)).await {
                Ok(Ok(())) => return,
                failed => {
                    tracing::debug!(?failed, attempt, "a subscriber does not take its records");
                    self.open = None;
                }
            }
            sleep(PAUSE).await;
        }
        self.dropped
            .add(dropped.0 + records as u64, dropped.1 + bytes as u64);
    }

    async fn send(&mut self, batch: &Batch) -> io::Result<()> {
        let (port, path) = match &self.destination {
            Destination::Http { port, path } => (*port, Some(path.clone())),
            Destination::Tcp { port } => (*port, None),
        };
        if self.open.is_none() {
            let connection = self.connector.connect(port).await?;
            self.open = Some(match path {
                Some(_) => Open::Http(handshake(connection).await?),
                None => Open::Tcp(connection),
            });
        }
        match (&mut self.open, path) {
            (Some(Open::Http(sender)), Some(path)) => post(sender, port, &path, batch.array()).await,
            (Some(Open::Tcp(connection)), _) => connection.stream.write_all(batch.lines().as_bytes()).await,
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

async fn handshake(Connection { stream, room }: Connection) -> io::Result<SendRequest<Full<Bytes>>> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(async move {
        // The next request finds out.
        let _ = connection.await;
        drop(room);
    });
    Ok(sender)
}

async fn post(sender: &mut SendRequest<Full<Bytes>>, port: u16, path: &str, body: String) -> io::Result<()> {
    sender.ready().await.map_err(io::Error::other)?;
    let request = Request::post(path)
        .header("host", format!("sandbox.localdomain:{port}"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(io::Error::other)?;
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    let status = response.status();
    // The connection is used again.
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        frame.map_err(io::Error::other)?;
    }
    match status.is_server_error() {
        true => Err(io::Error::other(status.to_string())),
        false => Ok(()),
    }
}

/// `platform.logsDropped`.
fn logs_dropped((records, bytes): (u64, u64)) -> Arc<str> {
    let time = iso8601(SystemTime::now());
    let reason = "Consumer seems to have fallen behind as it has not acknowledged receipt of logs.";
    format!(
        r#"{{"time":"{time}","type":"platform.logsDropped","record":{{"reason":"{reason}","droppedRecords":{records},"droppedBytes":{bytes}}}}}"#
    )
    .into()
}
