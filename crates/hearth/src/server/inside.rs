//! Hearth's own API as environments reach it: the same services, whose requests are judged by where they come from.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use hearth_engine::{Api, Endpoint, FunctionSpec};
use hearth_iam::{Inside, Verified};
use hearth_wire::{Authenticator, Router, serve_connection};
use tokio::net::TcpStream;

/// The way in. Closed until the services, which need the engine that needs this, are there.
#[derive(Clone, Default)]
pub(super) struct InsideApi(Arc<OnceLock<Open>>);

struct Open {
    router: Arc<Router>,
    verified: Arc<Verified>,
}

impl InsideApi {
    /// Begins to serve.
    pub(super) fn open(&self, router: Arc<Router>, verified: Arc<Verified>) {
        // It is opened once.
        let _ = self.0.set(Open { router, verified });
    }
}

impl Api for InsideApi {
    fn endpoint(&self, _: &FunctionSpec, access_key_id: &str) -> Arc<dyn Endpoint> {
        Arc::new(Door {
            api: self.clone(),
            access_key_id: access_key_id.to_owned(),
        })
    }
}

/// One environment's way in.
struct Door {
    api: InsideApi,
    access_key_id: String,
}

impl Endpoint for Door {
    fn serve(&self, connection: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // Nothing runs before it is open, so that nobody is turned away.
        let Some(open) = self.api.0.get() else {
            return Box::pin(async {});
        };
        let inside = Inside::new(Arc::clone(&open.verified), self.access_key_id.clone());
        let authenticator: Arc<dyn Authenticator> = Arc::new(inside);
        Box::pin(serve_connection(
            connection,
            Arc::clone(&open.router),
            authenticator,
        ))
    }
}
