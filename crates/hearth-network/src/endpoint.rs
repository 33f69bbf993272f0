//! What answers connections to an address of Hearth's own.

use std::pin::Pin;

use tokio::net::TcpStream;

/// A future that can live in a trait object.
pub type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A service of Hearth's that an environment may connect to.
pub trait Endpoint: Send + Sync + 'static {
    /// Serves a connection to its end. It ends early, wherever it is, when the environment does.
    fn serve(&self, connection: TcpStream) -> BoxFuture;
}
