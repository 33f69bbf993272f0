//! What is served beside the operations of AWS: places with host names or paths of their own, such as function URLs.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::SystemTime;

use bytes::Bytes;
use hearth_types::RequestId;
use http::Response;
use http::request::Parts;

use crate::{Authenticator, Body, BodyFailure};

/// The answer to a visit, under way.
pub type Reception<'a> = Pin<Box<dyn Future<Output = Response<Body>> + Send + 'a>>;

/// A request to a [`Site`], without its body.
pub struct Visit<'a> {
    /// Who finds out who sends it, where the site wants to know.
    pub authenticator: &'a dyn Authenticator,
    /// The id that the answer carries in `x-amzn-RequestId`.
    pub request_id: RequestId,
    /// When the head of the request had been read.
    pub received_at: SystemTime,
    /// Who connected, where that is known.
    pub peer: Option<SocketAddr>,
    /// Method, target and headers as received: not decoded, not normalised.
    pub head: Parts,
}

/// A place that answers requests on its own terms. The server bounds their bodies in size, time and memory as it does
/// those of operations.
pub trait Site: Send + Sync + 'static {
    /// Whether a request is for this site. Asked for every request, before anything else is looked at.
    fn claims(&self, head: &Parts) -> bool;

    /// Judges a visit before its body is read: the answer, where the body cannot change it. Must not block.
    fn receive(&self, visit: &Visit<'_>) -> Option<Response<Body>>;

    /// The largest body, in bytes.
    fn body_limit(&self) -> u64;

    /// Answers a visit.
    fn answer<'a>(&'a self, visit: Visit<'a>, body: Result<Bytes, BodyFailure>) -> Reception<'a>;
}
