//! The contract with whoever verifies requests.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use hearth_types::Scope;
use http::{HeaderMap, Method, Uri};

use crate::{AwsError, Caller};

/// Everything of a request that a signature can cover.
#[derive(Clone, Copy)]
pub struct SignedRequest<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target as received: not decoded, not normalised.
    pub uri: &'a Uri,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The whole body as received.
    pub body: &'a Bytes,
    /// The time to judge by.
    pub now: SystemTime,
    /// The service name that the credential scope must have.
    pub service: &'static str,
    /// The operation that is asked for.
    pub operation: &'static str,
}

/// Without target, headers and body: they hold tokens and signatures that are still good.
impl fmt::Debug for SignedRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest")
            .field("method", self.method)
            .field("service", &self.service)
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

/// A request whose sender is known.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// The account and region that the request is about.
    pub scope: Scope,
    /// Who sent it.
    pub caller: Arc<Caller>,
    /// The body without its transfer signature, where it had one (`aws-chunked`).
    pub body: Option<Bytes>,
}

/// Finds out who sends a request.
pub trait Authenticator: Send + Sync + 'static {
    /// Verifies a request, or says with which error to refuse it. Must not block.
    fn authenticate(&self, request: &SignedRequest<'_>) -> Result<Authenticated, AwsError>;

    /// Judges a request by its head, or says with which error to refuse it: asked before a body that takes memory is
    /// read, so that strangers take none. The body is empty here, and whoever passes is still verified. Must not block.
    fn admit(&self, _head: &SignedRequest<'_>) -> Result<(), AwsError> {
        Ok(())
    }
}
