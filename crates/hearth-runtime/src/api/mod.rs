//! The HTTP interfaces of an execution environment: the Runtime API, the Extensions API, the Telemetry and Logs APIs.
//!
//! [`RuntimeApi`] is one environment's end of them. What runs inside talks HTTP to it ([`RuntimeApi::serve`]); the
//! engine hands it invocations and waits for what comes of them. The rules are in [`Machine`], which does no I/O and
//! knows no time.
//!
//! Sources: AWS Lambda developer guide, pages "runtimes-api", "runtimes-extensions-api" and "telemetry-api"; state
//! names, statuses and texts as the AWS runtime interface emulator has them (2026-01).

mod error;
mod event;
mod extension;
mod http;
mod machine;
mod reported;
mod runtime;
mod session;
pub mod telemetry;

pub use error::ApiError;
pub use event::{ApiInvocation, ShutdownReason};
pub use extension::{ExtensionInfo, ExtensionState};
pub use machine::{Description, Machine};
pub use reported::ReportedError;
pub use session::{InitFailure, Reply, RuntimeApi};
