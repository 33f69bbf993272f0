//! The HTTP/1.1 server.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::patience::Patient;
use crate::unbroken::Unbroken;
use crate::{Authenticator, Body, Router};

/// Largest head of a request, in bytes.
const LARGEST_HEAD: usize = 64 * 1024;
/// Pause after an error of `accept`, such as no free descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What bounds a server.
#[derive(Clone, Copy, Debug)]
pub struct ServerOptions {
    /// Connections at a time; further ones wait in the kernel's queue. Default 4096.
    pub connections: usize,
    /// How long the head of a request may take, and how long an idle connection is kept. Default
    /// 60 seconds.
    pub head_timeout: Duration,
    /// How long a client may take nothing of an answer that waits for it. Default 10 minutes.
    pub answer_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            connections: 4096,
            head_timeout: Duration::from_secs(60),
            answer_timeout: Duration::from_secs(600),
        }
    }
}

/// A bound listener that does not accept yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    options: ServerOptions,
}

impl Server {
    /// Binds an address. Port 0 chooses a free port.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        Self::from_listener(TcpListener::bind(address).await?)
    }

    /// Takes a listener that was bound elsewhere.
    pub fn from_listener(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self {
            listener,
            address,
            options: ServerOptions::default(),
        })
    }

    /// The same with other bounds.
    #[must_use]
    pub fn with_options(self, options: ServerOptions) -> Self {
        Self { options, ..self }
    }

    /// The bound address.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` completes, then lets the requests in progress finish for `grace`.
    /// Idle connections are closed at once. Returns when the last connection is closed.
    pub async fn serve(self, router: Arc<Router>, shutdown: impl Future<Output = ()>, grace: Duration) {
        let mut shutdown = pin!(shutdown);
        let (drain, draining) = watch::channel(());
        let places = Arc::new(Semaphore::new(self.options.connections));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some((stream, place)) = accept(&self.listener, &places) => {
                    let connection = Connection {
                        router: Arc::clone(&router),
                        draining: draining.clone(),
                        head_timeout: self.options.head_timeout,
                        answer_timeout: self.options.answer_timeout,
                        _place: place,
                    };
                    connections.spawn(connection.serve(stream));
                }
                Some(_) = connections.join_next() => {}
                else => {}
            }
        }
        drop(self.listener);
        drop(drain);
        let rest = async { while connections.join_next().await.is_some() {} };
        if timeout(grace, rest).await.is_err() {
            tracing::warn!(
                connections = connections.len(),
                "requests did not finish within the grace period"
            );
            connections.shutdown().await;
        }
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(error) => {
            tracing::warn!(%error, "cannot accept a connection");
            sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// One connection.
struct Connection {
    router: Arc<Router>,
    draining: watch::Receiver<()>,
    head_timeout: Duration,
    answer_timeout: Duration,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    /// Serves until the connection closes; once draining begins, until its request is answered.
    async fn serve(mut self, stream: TcpStream) {
        // Without it answers in two pieces wait for the client's acknowledgement.
        let _ = stream.set_nodelay(true);
        let (used, peer) = (AtomicBool::new(false), stream.peer_addr().ok());
        let stream = Patient::new(stream, self.answer_timeout);
        let service = service_fn(|request| answer(&self.router, &used, peer, request));
        let connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(self.head_timeout)
                .max_buf_size(LARGEST_HEAD)
                .serve_connection(TokioIo::new(stream), service)
        );
        let mut connection = Unbroken::new(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            _ = self.draining.changed() => {
                // hyper closes connections between requests, but not those without a first one.
                if !used.load(Ordering::Relaxed) {
                    return;
                }
                connection.work.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "connection ended");
        }
    }
}

async fn answer(
    router: &Router,
    used: &AtomicBool,
    peer: Option<SocketAddr>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    used.store(true, Ordering::Relaxed);
    Ok(router.handle_from(peer, request).await)
}

/// Serves one connection that was accepted elsewhere, until it closes. Its requests are verified by this
/// authenticator instead of the router's own.
pub async fn serve_connection(stream: TcpStream, router: Arc<Router>, authenticator: Arc<dyn Authenticator>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let (router, authenticator) = (&router, &authenticator);
        async move { Ok::<_, Infallible>(router.handle_by(&**authenticator, request).await) }
    });
    let options = ServerOptions::default();
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.head_timeout)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = Unbroken::new(pin!(connection)).await {
        tracing::debug!(%error, "connection ended");
    }
}
