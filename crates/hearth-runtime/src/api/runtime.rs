//! Where the runtime is in its life.

use std::fmt;

use super::ApiError;

/// The states of the emulator, under its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RuntimeState {
    /// It runs, and has not asked for an invocation yet.
    Started,
    /// It reported that its init failed.
    InitError,
    /// It waits for an invocation.
    Ready,
    /// It has an invocation.
    Running,
    /// It is sending a response.
    InvocationResponse,
    /// It is sending an error.
    InvocationErrorResponse,
    /// It has answered.
    ResponseSent,
}

impl fmt::Display for RuntimeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl RuntimeState {
    /// The runtime goes over to another state, or may not.
    pub(crate) fn enter(&mut self, next: Self) -> Result<(), ApiError> {
        use RuntimeState::{
            InitError, InvocationErrorResponse, InvocationResponse, Ready, ResponseSent, Running, Started,
        };
        *self = match (*self, next) {
            // Asking again while an invocation runs gets the same invocation.
            (Running, Ready) => Running,
            (Started | Ready | ResponseSent, Ready)
            | (Started, InitError)
            | (Ready, Running)
            | (Running, InvocationResponse | InvocationErrorResponse)
            | (InvocationResponse | InvocationErrorResponse, ResponseSent) => next,
            (from, to) => return Err(ApiError::runtime_transition(from, to)),
        };
        Ok(())
    }
}
