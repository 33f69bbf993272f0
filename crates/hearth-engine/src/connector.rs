//! Connections from the server to what listens inside an environment.

use std::io;
use std::net::{Ipv4Addr, TcpStream as StdStream};
use std::sync::Arc;

use hearth_types::EnvironmentId;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::attendant::Dialer;
use crate::sandbox_handle::SandboxHandle;

/// How many there are at a time: one for either interface of each extension, and some that are about to end.
const MOST: usize = 32;

/// Makes connections to ports of one environment's loopback. Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    source: Source,
    room: Arc<Semaphore>,
}

/// Who makes them.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// The environment's attendant.
    Attendant(Dialer),
    /// The server, on sockets that the sandbox makes inside.
    Sandbox(SandboxHandle, EnvironmentId),
}

/// A connection, and the room it takes.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    pub(crate) room: OwnedSemaphorePermit,
}

impl Connector {
    pub(crate) fn new(source: Source) -> Self {
        let room = Arc::new(Semaphore::new(MOST));
        Self { source, room }
    }

    /// Connects, unless too many connections are open.
    pub(crate) async fn connect(&self, port: u16) -> io::Result<Connection> {
        let room = Arc::clone(&self.room)
            .try_acquire_owned()
            .map_err(io::Error::other)?;
        let stream = match &self.source {
            Source::Attendant(dialer) => dialer.dial(port).await?,
            Source::Sandbox(sandbox, id) => connect(sandbox, *id, port).await?,
        };
        Ok(Connection { stream, room })
    }
}

async fn connect(sandbox: &SandboxHandle, id: EnvironmentId, port: u16) -> io::Result<TcpStream> {
    let socket = sandbox.0.socket(id).await.map_err(io::Error::other)?;
    let socket = TcpSocket::from_std_stream(StdStream::from(socket));
    socket.connect((Ipv4Addr::LOCALHOST, port).into()).await
}
