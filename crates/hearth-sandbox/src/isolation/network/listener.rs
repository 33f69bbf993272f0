//! The sockets by which the server hears what an environment sends.

use std::io;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, OwnedFd};

use hearth_types::inside;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::Interception;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 256;

/// Everything in a namespace that the outside holds on to.
pub(crate) struct Parts {
    /// Three sockets, in the order of [`crate::Listener`]'s fields.
    pub(crate) sockets: [OwnedFd; Parts::SOCKETS],
    /// Keeps the steering attached. `None` where there is none.
    pub(crate) steering: Option<OwnedFd>,
}

impl Parts {
    /// How many sockets there are.
    pub(crate) const SOCKETS: usize = 3;

    /// Opens the sockets in the current namespace.
    pub(crate) fn open(interception: Option<Interception>) -> io::Result<Self> {
        let everything = listen(inside::RUNTIME_API_PORT)?;
        let api = listen(inside::API_PORT)?;
        let dns = datagrams(inside::DNS_PORT)?;
        let steering = interception
            .map(|interception| interception.attach(everything.as_fd()))
            .transpose()?;
        Ok(Self {
            sockets: [everything, api, dns],
            steering,
        })
    }
}

impl From<Parts> for Vec<OwnedFd> {
    fn from(parts: Parts) -> Self {
        parts.sockets.into_iter().chain(parts.steering).collect()
    }
}

impl TryFrom<Vec<OwnedFd>> for Parts {
    type Error = io::Error;

    fn try_from(mut descriptors: Vec<OwnedFd>) -> io::Result<Self> {
        let steering = (descriptors.len() > Self::SOCKETS)
            .then(|| descriptors.pop())
            .flatten();
        let sockets = descriptors.try_into().map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(Self { sockets, steering })
    }
}

/// Listens on the address of Hearth's services, written as IPv6, so that connections of both kinds can be handed to
/// the socket.
fn listen(port: u16) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let address = SocketAddrV4::new(inside::ADDRESS, port);
    let six = rustix::net::socket_with(AddressFamily::INET6, SocketType::STREAM, flags, None);
    let (socket, address) = match six {
        Ok(socket) => {
            rustix::net::sockopt::set_ipv6_v6only(&socket, false)?;
            let mapped = SocketAddrV6::new(address.ip().to_ipv6_mapped(), port, 0, 0);
            (socket, SocketAddr::V6(mapped))
        }
        // This kernel has no IPv6, and so nobody connects by it.
        Err(Errno::AFNOSUPPORT) => {
            let four = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
            (four, SocketAddr::V4(address))
        }
        Err(error) => return Err(error.into()),
    };
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// Takes datagrams to a port of that address.
fn datagrams(port: u16) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrV4::new(inside::ADDRESS, port))?;
    Ok(socket)
}
