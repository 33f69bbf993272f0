//! AWS wire protocols: generated shapes, validation, routing and the HTTP server.
//!
//! A request comes in through [`Server`], is mapped to an operation by [`Router`], verified by the
//! [`Authenticator`], read and validated against the operation's table ([`model`]), and handed to
//! the registered handler as a typed structure. Handlers return structures or an [`AwsError`]; the
//! service's protocol decides how both are written.
#![forbid(unsafe_code)]

mod authenticator;
mod body;
mod context;
mod error;
mod event_stream;
mod generated;
pub mod model;
mod operation;
mod patience;
mod protocol;
mod request;
mod router;
mod server;
mod site;
mod unbroken;
mod uri;
mod validation;
mod values;

pub use authenticator::{Authenticated, Authenticator, SignedRequest};
pub use body::{Body, BodyError};
pub use context::{Caller, CallerKind, Context};
pub use error::{AwsError, CommonError};
pub use event_stream::{EVENT_STREAM, EventDecoder, EventMessage, EventStreamError, encode_event};
pub use generated::{cloudwatch, lambda, logs, sts};
pub use operation::Operation;
pub use request::RawRequest;
pub use router::{BodyFailure, RequestBody, Router, ServiceRoutes, off_the_worker};
pub use server::{Server, ServerOptions, serve_connection};
pub use site::{Reception, Site, Visit};
pub use values::{Blob, Timestamp};
