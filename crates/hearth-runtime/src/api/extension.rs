//! An extension: a process, or a part of the runtime's, that is told of invocations and of the end.

use std::fmt;

use serde_json::Value;
use uuid::Uuid;

use super::ApiError;

/// Most extensions of an environment.
pub(crate) const MOST: usize = 10;

/// Whether an extension is a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExtensionKind {
    /// An executable in /opt/extensions.
    External,
    /// A part of the runtime's process.
    Internal,
}

/// Where an extension is in its life; the names are the emulator's, which the log shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtensionState {
    /// It was started, and has not registered.
    Started,
    /// It has registered, and not asked for an event yet.
    Registered,
    /// It waits for an event.
    Ready,
    /// It handles an event.
    Running,
    /// It reported that its init failed.
    InitError,
    /// It reported an error, after which it ends.
    ExitError,
    /// It has ended.
    Exited,
    /// It could not be started.
    LaunchError,
}

impl fmt::Display for ExtensionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What the log says of an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionInfo {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: ExtensionState,
    /// What it subscribed to: INVOKE, SHUTDOWN.
    pub events: Vec<&'static str>,
    /// How it failed.
    pub error_type: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Extension {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) kind: ExtensionKind,
    pub(crate) state: ExtensionState,
    pub(crate) events: Events,
    pub(crate) error_type: Option<String>,
    /// Its process has ended, or never was.
    pub(crate) ended: bool,
    /// An event that it has not fetched yet.
    pub(crate) pending: Option<Value>,
}

/// What an extension subscribed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Events {
    pub(crate) invoke: bool,
    pub(crate) shutdown: bool,
}

impl Events {
    /// Reads the events of a registration.
    pub(crate) fn read(names: &[String], kind: ExtensionKind) -> Result<Self, ApiError> {
        let mut events = Self::default();
        for name in names {
            let refused = match (name.as_str(), kind) {
                ("INVOKE", _) => {
                    events.invoke = true;
                    continue;
                }
                ("SHUTDOWN", ExtensionKind::External) => {
                    events.shutdown = true;
                    continue;
                }
                ("SHUTDOWN", ExtensionKind::Internal) => "ShutdownEventNotSupportedForInternalExtension",
                _ => "ErrorInvalidEventType",
            };
            return Err(ApiError::forbidden(
                "Extension.InvalidEventType",
                format!("{name}: {refused}"),
            ));
        }
        Ok(events)
    }

    fn names(self) -> Vec<&'static str> {
        [(self.invoke, "INVOKE"), (self.shutdown, "SHUTDOWN")]
            .into_iter()
            .filter_map(|(subscribed, name)| subscribed.then_some(name))
            .collect()
    }
}

impl Extension {
    pub(crate) fn started(name: String, kind: ExtensionKind) -> Self {
        Self {
            id: Uuid::new_v4(),
            name,
            kind,
            state: ExtensionState::Started,
            events: Events::default(),
            error_type: None,
            ended: false,
            pending: None,
        }
    }

    /// Goes over to another state, or may not; `who` names it in the refusal.
    pub(crate) fn enter(&mut self, next: ExtensionState, who: impl fmt::Display) -> Result<(), ApiError> {
        use ExtensionState::{ExitError, InitError, Ready, Registered, Running, Started};
        match (self.state, next) {
            (Started, Registered)
            | (Registered | Running, Ready)
            | (Ready, Running)
            | (Registered | InitError, InitError)
            | (Registered | Ready | Running | ExitError, ExitError) => {
                self.state = next;
                Ok(())
            }
            (from, to) => Err(ApiError::extension_transition(from, to, who)),
        }
    }

    /// Whether anything more may come from it.
    pub(crate) fn lives(&self) -> bool {
        matches!(
            self.state,
            ExtensionState::Registered | ExtensionState::Ready | ExtensionState::Running
        )
    }

    /// Whether it has failed. None ends before its environment does.
    pub(crate) fn failed(&self) -> bool {
        matches!(
            self.state,
            ExtensionState::InitError
                | ExtensionState::ExitError
                | ExtensionState::Exited
                | ExtensionState::LaunchError
        )
    }

    /// Whether it waits for an event, and none waits for it.
    pub(crate) fn is_idle(&self) -> bool {
        self.state == ExtensionState::Ready && self.pending.is_none()
    }

    pub(crate) fn info(&self) -> ExtensionInfo {
        ExtensionInfo {
            name: self.name.clone(),
            state: self.state,
            events: self.events.names(),
            error_type: self.error_type.clone(),
        }
    }
}
