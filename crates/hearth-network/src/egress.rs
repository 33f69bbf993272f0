//! Connections to the world outside.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::access::Access;
use crate::addresses::{self, Refused};
use crate::outside::Outside;
use crate::traffic::{Counted, Traffic};

/// How long a connection may take to come about. To the function it seems to stand already.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is read at a time in each direction, in bytes.
const BUFFER: usize = 16 * 1024;

/// Why a connection was not made, or broke.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the function's policy does not allow it")]
    Policy,
    #[error(transparent)]
    Address(#[from] Refused),
    #[error("the node has too many outbound connections")]
    Full,
    #[error("nobody answers there")]
    Silent,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Carries a connection to where it was made to, if it may be, until both sides have ended it.
pub(crate) async fn carry(
    outside: &Outside,
    access: &Access,
    traffic: &Traffic,
    destination: SocketAddr,
    stream: TcpStream,
) {
    let mut inside = Counted { stream, traffic };
    if let Err(broken) = connect_and_copy(outside, access, destination, &mut inside).await {
        tracing::debug!(%destination, %broken, "an outbound connection of a function");
        reset(inside.stream);
    }
}

async fn connect_and_copy(
    outside: &Outside,
    access: &Access,
    destination: SocketAddr,
    inside: &mut Counted<'_>,
) -> Result<(), Broken> {
    if !access.permits(destination, Instant::now()) {
        return Err(Broken::Policy);
    }
    addresses::check(destination.ip())?;
    let _place = outside.place().ok_or(Broken::Full)?;
    let connected = timeout(PATIENCE, TcpStream::connect(destination)).await;
    let mut other = connected.map_err(|_| Broken::Silent)??;
    // Both ends decide for themselves when to send what.
    other.set_nodelay(true)?;
    inside.stream.set_nodelay(true)?;
    let copied = copy_bidirectional_with_sizes(inside, &mut other, BUFFER, BUFFER).await;
    if copied.is_err() {
        reset(other);
    }
    copied?;
    Ok(())
}

/// Closes a connection so that the other side learns that it broke: else it would seem to have ended in peace.
pub(crate) fn reset(stream: TcpStream) {
    // Where this fails, the connection ends all the same.
    let _ = stream.set_zero_linger();
}
