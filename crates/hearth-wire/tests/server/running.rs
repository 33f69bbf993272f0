//! A running server, spoken to in raw bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hearth_wire::{Server, ServerOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::{Gate, router};

/// A running server.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    /// Holds the invocations of the function `held`.
    pub(crate) gate: Gate,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start(options: ServerOptions, grace: Duration) -> Self {
        let gate = Gate::default();
        let router = Arc::new(router(gate.clone()));
        let server = Server::bind("127.0.0.1:0".parse().unwrap())
            .await
            .unwrap()
            .with_options(options);
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            server.serve(router, stopped, grace).await;
        });
        Self {
            address,
            gate,
            stop,
            served,
        }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends a request on a connection of its own and returns the whole answer.
    pub(crate) async fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Begins to stop; the handle completes when the last connection is closed.
    pub(crate) fn stop(self) -> JoinHandle<()> {
        let _ = self.stop.send(());
        self.served
    }
}
