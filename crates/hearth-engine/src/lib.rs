//! Execution environments, admission and the life of an invocation.
//!
//! [`Engine::deploy`] turns a [`FunctionSpec`] into a [`Function`]: the handle that holds one revision's
//! environments. [`Engine::invoke`] runs an [`Invocation`] on it: admission, an idle or a new environment,
//! frames to the runtime and back, the log lines, and the outcome in AWS's shape. [`Engine::invoke_streaming`] does
//! the same and hands the response over while it comes.
#![forbid(unsafe_code)]

mod admission;
mod aftermath;
mod attendant;
mod average;
mod clock;
mod connector;
mod control;
mod conversation;
mod cores;
mod delivery;
mod ending;
mod engine;
mod environment;
mod exchange;
mod failure;
mod feed;
mod function;
mod invocation;
mod journal;
mod lease;
mod memory;
mod node;
mod occupied;
mod options;
mod output;
mod pace;
mod pool;
mod prepared;
mod ready;
mod record;
mod refill;
mod report;
mod response;
mod run;
mod sandbox_handle;
mod scaling;
mod seams;
mod shutdown;
mod start;
mod stream;
mod supply;
mod telemetry;
mod tenacious;
mod turns;

pub use admission::ReservationError;
pub use engine::{Engine, Statistics};
pub use function::{Function, FunctionSpec, Layers, RuntimeChoice};
pub use hearth_network::Endpoint;
pub use hearth_sandbox::{Code, FolderIndex, Opened, RuntimeIndex};
pub use invocation::{FunctionError, Invocation, InvokeError, Outcome, ThrottleReason};
pub use node::{Node, ThisNode};
pub use options::EngineOptions;
pub use record::{Conclusion, InvocationRecord, Running};
pub use report::runtime_version_arn;
pub use scaling::Scaling;
pub use seams::{
    Api, CredentialSource, FunctionMeter, LogBatch, LogSink, Meter, QueuedEvent, SessionVariables,
};
pub use stream::{ResponseHead, ResponseStream};
