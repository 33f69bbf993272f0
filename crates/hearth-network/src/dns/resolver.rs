//! Asking the name servers of the host.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::message::Query;
use super::{LARGEST, framed};

/// Where the host's servers are named, see resolv.conf(5).
const CONFIGURATION: &str = "/etc/resolv.conf";
/// The port they listen on.
const PORT: u16 = 53;
/// As many servers as resolv.conf(5) has.
const SERVERS: usize = 3;
/// How often each is asked over UDP, and how long it has to answer.
const ATTEMPTS: usize = 2;
const PATIENCE: Duration = Duration::from_secs(2);

/// How a query came, and goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// Asks name servers, in order.
#[derive(Debug)]
pub(crate) struct Resolver {
    servers: Vec<SocketAddr>,
}

impl Resolver {
    /// Asks these servers, or those of the host where none are given.
    pub(crate) fn new(servers: Vec<SocketAddr>) -> Self {
        let servers = if servers.is_empty() {
            of_host(&std::fs::read_to_string(CONFIGURATION).unwrap_or_default())
        } else {
            servers
        };
        Self { servers }
    }

    /// The answer to a query, under another number than the query's. `None` if nobody answers.
    pub(super) async fn ask(
        &self,
        query: &Query<'_>,
        message: &[u8],
        transport: Transport,
    ) -> Option<Vec<u8>> {
        let attempts = match transport {
            Transport::Udp => ATTEMPTS,
            Transport::Tcp => 1,
        };
        for server in self.servers.iter().cycle().take(self.servers.len() * attempts) {
            let mut message = message.to_vec();
            // Its own number and port, so that only who sees the query can answer it.
            let mut id = [0; 2];
            getrandom::fill(&mut id).ok()?;
            message[..2].copy_from_slice(&id);
            let asked = async {
                match transport {
                    Transport::Udp => over_udp(*server, query, &message, id).await,
                    Transport::Tcp => over_tcp(*server, query, &message, id).await,
                }
            };
            match timeout(PATIENCE, asked).await {
                Ok(Ok(answer)) => return Some(answer),
                Ok(Err(error)) => tracing::debug!(%server, %error, "a name server cannot be asked"),
                Err(_) => tracing::debug!(%server, "a name server does not answer"),
            }
        }
        None
    }
}

async fn over_udp(server: SocketAddr, query: &Query<'_>, message: &[u8], id: [u8; 2]) -> io::Result<Vec<u8>> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    socket.send(message).await?;
    let mut answer = vec![0; LARGEST];
    loop {
        let length = socket.recv(&mut answer).await?;
        if query.is_answered_by(&answer[..length], id) {
            answer.truncate(length);
            return Ok(answer);
        }
    }
}

async fn over_tcp(server: SocketAddr, query: &Query<'_>, message: &[u8], id: [u8; 2]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(&framed(message)).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    if query.is_answered_by(&answer, id) {
        Ok(answer)
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// The servers that resolv.conf(5) names: the one of this machine where there are none.
fn of_host(configuration: &str) -> Vec<SocketAddr> {
    let named = configuration.lines().filter_map(|line| {
        let line = line.trim_start().strip_prefix("nameserver")?;
        let address = line
            .starts_with(char::is_whitespace)
            .then(|| line.split_whitespace().next())??;
        Some(SocketAddr::new(address.parse().ok()?, PORT))
    });
    let named: Vec<SocketAddr> = named.take(SERVERS).collect();
    if named.is_empty() {
        vec![SocketAddr::from((Ipv4Addr::LOCALHOST, PORT))]
    } else {
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_servers_are_read() {
        let text = "# nameserver 192.0.2.9\nsearch a b\nnameserver 192.0.2.1 # one\n nameserver\t2001:db8::1\n\
            nameserver fe80::1%eth0\nnameserver x\nnameserver 192.0.2.2\nnameserver 192.0.2.3\noptions ndots:1\n";
        let servers: Vec<String> = of_host(text).iter().map(SocketAddr::to_string).collect();
        assert_eq!(servers, ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.2:53"]);
        assert_eq!(of_host(""), ["127.0.0.1:53".parse().unwrap()]);
    }
}
