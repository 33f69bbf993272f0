//! A gateway on sockets of this machine's loopback: what it refuses, and how it ends.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use hearth_network::{Gateway, Outside, Services};
use hearth_sandbox::{Listener, Reach};
use hearth_types::inside::Addresses;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway with this policy, and where it listens: for connections, and for datagrams.
fn open(policy: &str, intercepts: bool, name_server: SocketAddr) -> (Gateway, SocketAddr, SocketAddr) {
    let listen = || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        listener
    };
    let (tcp, api) = (listen(), listen());
    let dns = UdpSocket::bind("127.0.0.1:0").unwrap();
    dns.set_nonblocking(true).unwrap();
    let places = (tcp.local_addr().unwrap(), dns.local_addr().unwrap());
    let listener = Listener {
        tcp: tcp.into(),
        api: api.into(),
        dns: Some(dns.into()),
        reach: if intercepts {
            Reach::Everything
        } else {
            Reach::Hearth
        },
        addresses: Addresses::WALLED,
    };
    let outside = Outside::new(vec![name_server]);
    let gateway = Gateway::open(listener, Services::default(), policy.parse().unwrap(), outside).unwrap();
    (gateway, places.0, places.1)
}

fn nobody() -> SocketAddr {
    "127.0.0.1:1".parse().unwrap()
}

/// A query for the addresses of a.example.
const QUERY: &[u8] = b"\x07\x07\x01\0\0\x01\0\0\0\0\0\0\x01a\x07example\0\0\x01\0\x01";

/// The code in the answer of a gateway to that query.
async fn ask(resolver: SocketAddr) -> u8 {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(resolver).await.unwrap();
    socket.send(QUERY).await.unwrap();
    let mut answer = [0; 512];
    let length = timeout(PATIENCE, socket.recv(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer[..2], QUERY[..2]);
    assert!(length >= QUERY.len());
    answer[3] & 0xf
}

/// The destination of such a connection is loopback's, which no policy opens.
#[tokio::test]
async fn what_may_not_be_reached_is_reset() {
    for policy in ["none", "allow", "127.0.0.0/8"] {
        let (_gateway, place, _) = open(policy, true, nobody());
        let mut stream = TcpStream::connect(place).await.unwrap();
        let read = timeout(PATIENCE, stream.read(&mut [0; 8])).await.unwrap();
        assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset, "{policy}");
    }
}

#[tokio::test]
async fn datagrams_are_answered_as_the_policy_says() {
    let (_gateway, _, resolver) = open("none", true, nobody());
    assert_eq!(ask(resolver).await, 3);
    // It is asked for, and nobody answers.
    let (_gateway, _, resolver) = open("allow", true, nobody());
    assert_eq!(ask(resolver).await, 2);
}

#[tokio::test]
async fn where_connections_cannot_be_handed_over_no_name_is_of_use() {
    let (_gateway, _, resolver) = open("allow", false, nobody());
    assert_eq!(ask(resolver).await, 3);
}

#[tokio::test]
async fn nothing_listens_any_more_when_it_is_dropped() {
    let (gateway, place, _) = open("allow", true, nobody());
    drop(gateway);
    let refused = async {
        // It ends when its task is next looked at.
        while TcpStream::connect(place).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, refused).await.unwrap();
}

/// Where connections are not heard, a policy that forbids some is not taken, rather than not held.
#[tokio::test]
async fn only_allow_goes_with_the_hosts_network() {
    for (policy, opens) in [("allow", true), ("none", false), ("a.example", false)] {
        let listen = || {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            listener
        };
        let listener = Listener {
            tcp: listen().into(),
            api: listen().into(),
            dns: None,
            reach: Reach::Host,
            addresses: Addresses::WALLED,
        };
        let outside = Outside::new(vec![nobody()]);
        let opened = Gateway::open(listener, Services::default(), policy.parse().unwrap(), outside);
        assert_eq!(opened.is_ok(), opens, "{policy}");
        if let Err(error) = opened {
            assert!(error.to_string().contains("cannot be held"), "{error}");
        }
    }
}
