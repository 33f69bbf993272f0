//! The resolver of environments: answers what the policy lets them ask, and only with what they could connect to.

mod message;
mod resolver;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use message::{A, AAAA, Failure, Query};
pub(crate) use resolver::{Resolver, Transport};

use crate::access::Access;
use crate::addresses;

/// The largest message, in bytes, as TCP counts them.
pub(crate) const LARGEST: usize = u16::MAX as usize;
/// How long a TCP connection may wait for its next query.
const IDLE: Duration = Duration::from_secs(20);
/// The name of oneself, which is nobody else's to answer: RFC 6761, 6.3.
const LOCALHOST: &str = "localhost";

/// Answers a datagram.
pub(crate) async fn answer_datagram(
    socket: &UdpSocket,
    from: SocketAddr,
    message: &[u8],
    access: &Access,
    resolver: &Resolver,
) {
    if let Some(answer) = answer(message, access, resolver, Transport::Udp).await {
        // Who does not take it asks again.
        let _ = socket.send_to(&answer, from).await;
    }
}

/// Answers the queries of a TCP connection, each of which has its length in front.
pub(crate) async fn serve(mut stream: TcpStream, access: Arc<Access>, resolver: Arc<Resolver>) {
    while let Ok(Ok(length)) = timeout(IDLE, stream.read_u16()).await {
        let mut message = vec![0; usize::from(length)];
        let Ok(Ok(_)) = timeout(IDLE, stream.read_exact(&mut message)).await else {
            return;
        };
        let Some(answer) = answer(&message, &access, &resolver, Transport::Tcp).await else {
            return;
        };
        let Ok(Ok(())) = timeout(IDLE, stream.write_all(&framed(&answer))).await else {
            return;
        };
    }
}

/// A message with its length in front.
fn framed(message: &[u8]) -> Vec<u8> {
    let mut framed = (message.len().min(LARGEST) as u16).to_be_bytes().to_vec();
    framed.extend(&message[..message.len().min(LARGEST)]);
    framed
}

/// The answer to a message; `None` where it deserves none.
async fn answer(
    message: &[u8],
    access: &Access,
    resolver: &Resolver,
    transport: Transport,
) -> Option<Vec<u8>> {
    let query = match Query::read(message) {
        Ok(query) => query,
        Err(failure) => return failure.map(|failure| message::fail_unread(message, failure)),
    };
    let name = query.name();
    if name.as_deref().is_some_and(is_localhost) {
        return Some(loopback(&query));
    }
    if !access.permits_name(name.as_deref()) {
        tracing::debug!(name, "a function may not ask for this name");
        return Some(query.fail(Failure::NoSuchName));
    }
    let Some(mut answer) = resolver.ask(&query, message, transport).await else {
        return Some(query.fail(Failure::Unanswered));
    };
    answer[..2].copy_from_slice(&query.id());
    Some(screen(&query, name.as_deref(), answer, access))
}

fn is_localhost(name: &str) -> bool {
    name.strip_suffix(LOCALHOST)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn loopback(query: &Query<'_>) -> Vec<u8> {
    match query.kind {
        A => query.with_address(Ipv4Addr::LOCALHOST.into()),
        AAAA => query.with_address(Ipv6Addr::LOCALHOST.into()),
        _ => query.without_records(),
    }
}

/// Takes from an answer what nobody could connect to, and remembers the rest. Inside every address seems to work at
/// first, so a client that was told a useless one would not try the next.
fn screen(query: &Query<'_>, name: Option<&str>, mut answer: Vec<u8>, access: &Access) -> Vec<u8> {
    let Some(found) = message::addresses(&answer) else {
        return query.fail(Failure::Unanswered);
    };
    let (good, bad): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|found| addresses::check(found.address).is_ok());
    for useless in bad {
        // A good one takes its place, so that no byte of the message moves, to which names may point.
        let Some(other) = good.iter().find(|other| other.place.len() == useless.place.len()) else {
            return query.without_records();
        };
        answer.copy_within(other.place.clone(), useless.place.start);
    }
    if let Some(name) = name {
        let told: Vec<(IpAddr, Duration)> = good.iter().map(|good| (good.address, good.lifetime)).collect();
        access.remember(name, &told, Instant::now());
    }
    answer
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
