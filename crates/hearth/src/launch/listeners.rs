//! The sockets a node listens on, opened with the rights of the user who starts it.

use std::io;
use std::net::{SocketAddr, TcpListener};

use crate::failure::Failure;

/// Connections that may wait to be accepted; the kernel has its own upper bound.
const BACKLOG: i32 = 4096;

/// Opens a socket for each address.
pub(super) fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, Failure> {
    addresses
        .iter()
        .map(|address| open(*address).map_err(|error| refused(*address, &error)))
        .collect()
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    rustix::net::listen(&listener, BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn refused(address: SocketAddr, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AddrInUse => Failure::unavailable(format!(
            "{address} is in use, perhaps by another Hearth; stop that, or choose another address with --listen"
        )),
        _ => Failure::unavailable(format!("cannot listen on {address}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_named() {
        let addresses = ["127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()];
        let listeners = bind(&addresses).unwrap();
        let taken = listeners[0].local_addr().unwrap();
        let failure = format!("{:?}", bind(&[taken]).unwrap_err());
        assert!(failure.contains(&format!("{taken} is in use")), "{failure}");
    }
}
