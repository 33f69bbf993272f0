//! The way out of one environment.

use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use hearth_sandbox::Listener;
use hearth_types::inside;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use crate::Endpoint;

/// Connections of an environment at a time. A function may have 1,024 files open, so no more make sense.
const CONNECTIONS: usize = 1024;
/// Pause after an error of `accept`, such as no free descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What an environment finds at Hearth's own addresses. Connections to what is not there are reset.
#[derive(Clone, Default)]
pub struct Services {
    /// At [`inside::RUNTIME_API_PORT`].
    pub runtime_api: Option<Arc<dyn Endpoint>>,
    /// At [`inside::API_PORT`].
    pub api: Option<Arc<dyn Endpoint>>,
}

/// Serves the connections of one environment. Dropping it ends all of them.
#[derive(Debug)]
pub struct Gateway(AbortHandle);

impl Gateway {
    /// Begins to serve. Must be called inside a tokio runtime.
    pub fn open(listener: Listener, services: Services) -> io::Result<Self> {
        let doors = Doors {
            all: listen(listener.tcp)?,
            api: listen(listener.api)?,
        };
        Ok(Self(tokio::spawn(run(doors, services)).abort_handle()))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where connections come in.
struct Doors {
    all: TcpListener,
    /// Beside the other only where the kernel does not hand over everything.
    api: TcpListener,
}

fn listen(socket: OwnedFd) -> io::Result<TcpListener> {
    TcpListener::from_std(StdTcpListener::from(socket))
}

impl Doors {
    async fn accept(&self) -> io::Result<TcpStream> {
        let accepted = tokio::select! {
            accepted = self.all.accept() => accepted,
            accepted = self.api.accept() => accepted,
        };
        accepted.map(|(stream, _)| stream)
    }
}

/// Whom a connection is for, by the address it was made to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Destination {
    RuntimeApi,
    Api,
    Outside(SocketAddr),
}

impl Destination {
    fn of(address: SocketAddr) -> Self {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        match (address.ip() == inside::ADDRESS, address.port()) {
            (true, inside::RUNTIME_API_PORT) => Self::RuntimeApi,
            (true, inside::API_PORT) => Self::Api,
            _ => Self::Outside(address),
        }
    }
}

async fn run(doors: Doors, services: Services) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = doors.accept(), if connections.len() < CONNECTIONS => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted.and_then(|stream| Ok((Destination::of(stream.local_addr()?), stream))) {
            Ok((destination, stream)) => serve(destination, stream, &services, &mut connections),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection of an environment");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn serve(destination: Destination, stream: TcpStream, services: &Services, connections: &mut JoinSet<()>) {
    let endpoint = match destination {
        Destination::RuntimeApi => services.runtime_api.as_ref(),
        Destination::Api => services.api.as_ref(),
        Destination::Outside(_) => None,
    };
    match endpoint {
        Some(endpoint) => {
            connections.spawn(endpoint.serve(stream));
        }
        None => reset(stream),
    }
}

/// Closes a connection so that the other side learns that it was not served.
fn reset(stream: TcpStream) {
    // Without it the connection would seem to have ended in peace.
    let _ = stream.set_zero_linger();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_decides() {
        for (address, destination) in [
            ("169.254.100.1:9001", Destination::RuntimeApi),
            ("[::ffff:169.254.100.1]:9001", Destination::RuntimeApi),
            ("169.254.100.1:4566", Destination::Api),
        ] {
            assert_eq!(
                Destination::of(address.parse().unwrap()),
                destination,
                "{address}"
            );
        }
        for (address, outside) in [
            ("169.254.100.2:9001", "169.254.100.2:9001"),
            ("169.254.100.1:80", "169.254.100.1:80"),
            ("[::ffff:192.0.2.1]:443", "192.0.2.1:443"),
            ("[2001:db8::1]:443", "[2001:db8::1]:443"),
        ] {
            let expected = Destination::Outside(outside.parse().unwrap());
            assert_eq!(Destination::of(address.parse().unwrap()), expected, "{address}");
        }
    }
}
