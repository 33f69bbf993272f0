//! The way out of one environment.

use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener, UdpSocket as StdUdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use hearth_sandbox::{Listener, Reach};
use hearth_types::NetworkPolicy;
use hearth_types::inside::{self, Addresses};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use crate::access::Access;
use crate::egress::{self, reset};
use crate::traffic::Traffic;
use crate::{Endpoint, Outside, dns};

/// Connections of an environment at a time; further ones wait. A function may have 1,024 files open, so no more make
/// sense.
const CONNECTIONS: usize = 1024;
/// Of these, connections to each of Hearth's own services that are served at a time; further ones wait for their turn.
/// Whatever is served may have the server hold a head and a small body: up to 1 MiB for the Runtime API, 128 KiB for the
/// others.
const RUNTIME_API_CONNECTIONS: usize = 64;
const API_CONNECTIONS: usize = 256;
const DNS_CONNECTIONS: usize = 64;
/// Datagrams of an environment that are being answered at a time; further ones wait.
const QUERIES: usize = 64;
/// The largest query over UDP that is read, in bytes: what EDNS clients announce at most.
const LARGEST_QUERY: usize = 4096;
/// Pause after an error of `accept`, such as no free descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What an environment finds at Hearth's own addresses. Connections to what is not there are reset.
#[derive(Clone, Default)]
pub struct Services {
    /// At [`Addresses::runtime_api`].
    pub runtime_api: Option<Arc<dyn Endpoint>>,
    /// At [`Addresses::api`].
    pub api: Option<Arc<dyn Endpoint>>,
}

/// Serves the connections of one environment. Dropping it ends all of them.
#[derive(Debug)]
pub struct Gateway {
    task: AbortHandle,
    traffic: Arc<Traffic>,
}

impl Gateway {
    /// Begins to serve. Must be called inside a tokio runtime. Fails where connections are not heard that the policy
    /// might not allow.
    pub fn open(
        listener: Listener,
        services: Services,
        policy: NetworkPolicy,
        outside: Outside,
    ) -> io::Result<Self> {
        let policy = match listener.reach {
            Reach::Everything => policy,
            // Names are of no use to whom no connection can be handed over for.
            Reach::Hearth => NetworkPolicy::None,
            Reach::Host if policy == NetworkPolicy::Allow => policy,
            Reach::Host => return Err(io::Error::other(NotHeld(policy))),
        };
        let dns = listener
            .dns
            .map(|dns| UdpSocket::from_std(StdUdpSocket::from(dns)));
        let doors = Doors {
            all: listen(listener.tcp)?,
            api: listen(listener.api)?,
            dns: dns.transpose()?.map(Arc::new),
            addresses: listener.addresses,
        };
        let traffic = Arc::new(Traffic::default());
        let ways = Ways {
            services,
            access: Arc::new(Access::new(policy)),
            outside,
            traffic: Arc::clone(&traffic),
            places: Places::default(),
        };
        let task = tokio::spawn(run(doors, ways)).abort_handle();
        Ok(Self { task, traffic })
    }
}

/// Why a function does not run: its connections would go where they should not.
#[derive(Debug, thiserror::Error)]
#[error(
    "the network policy {0} cannot be held where functions have the host's network, in the isolation tier process"
)]
struct NotHeld(NetworkPolicy);

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
        let (sent, received) = (
            self.traffic.sent.load(Relaxed),
            self.traffic.received.load(Relaxed),
        );
        if sent + received > 0 {
            tracing::debug!(sent, received, "bytes of an environment's outbound connections");
        }
    }
}

/// Where connections and datagrams come in.
struct Doors {
    all: TcpListener,
    /// Beside the other only where the kernel does not hand over everything.
    api: TcpListener,
    /// None where the environment asks the host's name servers itself.
    dns: Option<Arc<UdpSocket>>,
    /// Where the environment finds these.
    addresses: Addresses,
}

fn listen(socket: OwnedFd) -> io::Result<TcpListener> {
    TcpListener::from_std(StdTcpListener::from(socket))
}

impl Doors {
    async fn accept(&self) -> io::Result<(Destination, TcpStream)> {
        let accepted = tokio::select! {
            accepted = self.all.accept() => accepted,
            accepted = self.api.accept() => accepted,
        };
        let (stream, _) = accepted?;
        Ok((Destination::of(stream.local_addr()?, self.addresses), stream))
    }

    /// Waits for a datagram.
    async fn asked(&self) -> Option<&Arc<UdpSocket>> {
        match &self.dns {
            Some(socket) => socket.readable().await.ok().map(|()| socket),
            None => std::future::pending().await,
        }
    }
}

/// Whom a connection is for, by the address it was made to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Destination {
    RuntimeApi,
    Api,
    Dns,
    Outside(SocketAddr),
}

impl Destination {
    fn of(address: SocketAddr, hearth: Addresses) -> Self {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        match address {
            SocketAddr::V4(four) if four == hearth.runtime_api => Self::RuntimeApi,
            SocketAddr::V4(four) if four == hearth.api => Self::Api,
            SocketAddr::V4(four) if *four.ip() == inside::ADDRESS && four.port() == inside::DNS_PORT => {
                Self::Dns
            }
            _ => Self::Outside(address),
        }
    }
}

/// Where connections go on to.
struct Ways {
    services: Services,
    access: Arc<Access>,
    outside: Outside,
    traffic: Arc<Traffic>,
    places: Places,
}

/// How many more connections to Hearth's own services may be served.
struct Places {
    runtime_api: Arc<Semaphore>,
    api: Arc<Semaphore>,
    dns: Arc<Semaphore>,
}

impl Default for Places {
    fn default() -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self {
            runtime_api: places(RUNTIME_API_CONNECTIONS),
            api: places(API_CONNECTIONS),
            dns: places(DNS_CONNECTIONS),
        }
    }
}

/// Serves a connection when it is its turn.
async fn in_turn(places: Arc<Semaphore>, served: impl Future<Output = ()>) {
    // The semaphore is never closed.
    let _place = places.acquire_owned().await;
    served.await;
}

async fn run(doors: Doors, ways: Ways) {
    let (mut connections, mut queries) = (JoinSet::new(), JoinSet::new());
    loop {
        tokio::select! {
            accepted = doors.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((destination, stream)) => ways.take(destination, stream, &mut connections),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection of an environment");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            asked = doors.asked(), if queries.len() < QUERIES => if let Some(socket) = asked {
                ways.hear(socket, &mut queries);
            },
            Some(_) = connections.join_next() => {}
            Some(_) = queries.join_next() => {}
        }
    }
}

impl Ways {
    fn take(&self, destination: Destination, stream: TcpStream, connections: &mut JoinSet<()>) {
        let (endpoint, places) = match destination {
            Destination::RuntimeApi => (&self.services.runtime_api, &self.places.runtime_api),
            Destination::Api => (&self.services.api, &self.places.api),
            Destination::Dns => {
                let (access, resolver) = (Arc::clone(&self.access), Arc::clone(&self.outside.resolver));
                let served = dns::serve(stream, access, resolver);
                connections.spawn(in_turn(Arc::clone(&self.places.dns), served));
                return;
            }
            Destination::Outside(address) => {
                let (access, traffic) = (Arc::clone(&self.access), Arc::clone(&self.traffic));
                let outside = self.outside.clone();
                connections.spawn(async move {
                    egress::carry(&outside, &access, &traffic, address, stream).await;
                });
                return;
            }
        };
        match endpoint {
            Some(endpoint) => {
                connections.spawn(in_turn(Arc::clone(places), endpoint.serve(stream)));
            }
            None => reset(stream),
        }
    }

    /// Takes a datagram that has come. Until one does, none takes memory.
    fn hear(&self, socket: &Arc<UdpSocket>, queries: &mut JoinSet<()>) {
        let mut datagram = [0; LARGEST_QUERY];
        let Ok((length, from)) = socket.try_recv_from(&mut datagram) else {
            return;
        };
        let (socket, query) = (Arc::clone(socket), datagram[..length].to_vec());
        let (access, resolver) = (Arc::clone(&self.access), Arc::clone(&self.outside.resolver));
        queries.spawn(async move {
            dns::answer_datagram(&socket, from, &query, &access, &resolver).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn the_address_decides() {
        for (address, destination) in [
            ("169.254.100.1:9001", Destination::RuntimeApi),
            ("[::ffff:169.254.100.1]:9001", Destination::RuntimeApi),
            ("169.254.100.1:4566", Destination::Api),
            ("169.254.100.1:53", Destination::Dns),
        ] {
            let of = Destination::of(address.parse().unwrap(), Addresses::WALLED);
            assert_eq!(of, destination, "{address}");
        }
        for (address, outside) in [
            ("169.254.100.2:9001", "169.254.100.2:9001"),
            ("169.254.100.1:80", "169.254.100.1:80"),
            ("[::ffff:192.0.2.1]:443", "192.0.2.1:443"),
            ("[2001:db8::1]:443", "[2001:db8::1]:443"),
        ] {
            let expected = Destination::Outside(outside.parse().unwrap());
            let of = Destination::of(address.parse().unwrap(), Addresses::WALLED);
            assert_eq!(of, expected, "{address}");
        }
    }

    #[test]
    fn so_does_an_address_of_the_environments_own() {
        let own = Addresses {
            runtime_api: "127.0.0.1:40001".parse().unwrap(),
            api: "127.0.0.1:40002".parse().unwrap(),
        };
        for (address, destination) in [
            ("127.0.0.1:40001", Destination::RuntimeApi),
            ("127.0.0.1:40002", Destination::Api),
            (
                "127.0.0.1:9001",
                Destination::Outside("127.0.0.1:9001".parse().unwrap()),
            ),
        ] {
            assert_eq!(
                Destination::of(address.parse().unwrap(), own),
                destination,
                "{address}"
            );
        }
    }

    /// Counts the connections that are served at a time, none of which ends.
    #[derive(Default)]
    struct Endless(Arc<AtomicUsize>);

    impl Endpoint for Endless {
        fn serve(&self, connection: TcpStream) -> crate::BoxFuture {
            let served = Arc::clone(&self.0);
            Box::pin(async move {
                served.fetch_add(1, Relaxed);
                let _connection = connection;
                std::future::pending::<()>().await;
            })
        }
    }

    /// Each may have the server hold a head of a megabyte.
    #[tokio::test]
    async fn few_connections_to_hearth_are_served_at_a_time() {
        for (destination, most) in [
            (Destination::RuntimeApi, RUNTIME_API_CONNECTIONS),
            (Destination::Api, API_CONNECTIONS),
        ] {
            let endless = Endless::default();
            let served = Arc::clone(&endless.0);
            let service: Arc<dyn Endpoint> = Arc::new(endless);
            let ways = Ways {
                services: Services {
                    runtime_api: Some(Arc::clone(&service)),
                    api: Some(service),
                },
                access: Arc::new(Access::new(NetworkPolicy::None)),
                outside: Outside::new(vec![]),
                traffic: Arc::default(),
                places: Places::default(),
            };
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (mut connections, mut clients) = (JoinSet::new(), Vec::new());
            for _ in 0..most + 50 {
                clients.push(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
                let (stream, _) = listener.accept().await.unwrap();
                ways.take(destination, stream, &mut connections);
            }
            // On this one thread, every task has run once after each has had its turn.
            for _ in 0..most + 50 {
                tokio::task::yield_now().await;
            }
            assert_eq!(served.load(Relaxed), most, "{destination:?}");
        }
    }
}
