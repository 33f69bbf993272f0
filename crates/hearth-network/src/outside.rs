//! What all environments share of the world outside.

use std::net::SocketAddr;
use std::sync::Arc;

use rustix::process::Resource;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::dns::Resolver;

/// Outbound connections of the node at a time, where the process may open so many files. Each takes two.
const MOST: usize = 65_536;
/// Of the files the process may open, every how manieth belongs to an outbound connection at most: half of them at two
/// per connection.
const SHARE: u64 = 4;

/// The node's way out. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outside {
    pub(crate) resolver: Arc<Resolver>,
    places: Arc<Semaphore>,
}

impl Outside {
    /// Asks these name servers, or the host's where none are given.
    pub fn new(name_servers: Vec<SocketAddr>) -> Self {
        let files = rustix::process::getrlimit(Resource::Nofile).current;
        let places = files.map_or(MOST, |files| {
            usize::try_from(files / SHARE).unwrap_or(MOST).clamp(16, MOST)
        });
        Self {
            resolver: Arc::new(Resolver::new(name_servers)),
            places: Arc::new(Semaphore::new(places)),
        }
    }

    /// Room for one connection, if there is any.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }
}
