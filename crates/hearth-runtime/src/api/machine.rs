//! The rules: who may ask for what when, and what they get.

use std::sync::Arc;

use hearth_types::RequestId;
use serde_json::Value;
use uuid::Uuid;

use super::extension::{Events, Extension, ExtensionKind, MOST};
use super::runtime::RuntimeState;
use super::{ApiError, ApiInvocation, ExtensionInfo, ExtensionState, ReportedError, ShutdownReason};

/// What extensions learn of the function when they register.
#[derive(Clone, Debug)]
pub struct Description {
    /// The function's name.
    pub function: String,
    /// `$LATEST` or a number.
    pub version: String,
    /// The handler.
    pub handler: String,
    /// The account, for those that ask for it.
    pub account: String,
}

/// The state of one environment's interfaces. It does no I/O and knows no time.
#[derive(Debug)]
pub struct Machine {
    description: Description,
    /// None where the runtime talks frames, and only extensions talk HTTP.
    runtime: Option<RuntimeState>,
    current: Option<Current>,
    extensions: Vec<Extension>,
    registering: bool,
    /// Extensions are still being started.
    launching: bool,
    init_error: Option<ReportedError>,
}

#[derive(Debug)]
struct Current {
    invocation: Arc<ApiInvocation>,
    delivered: bool,
}

impl Machine {
    /// The interfaces of an environment whose runtime talks to them.
    pub fn new(description: Description) -> Self {
        Self {
            description,
            runtime: Some(RuntimeState::Started),
            current: None,
            extensions: Vec::new(),
            registering: true,
            launching: false,
            init_error: None,
        }
    }

    /// The interfaces of an environment whose runtime does not: only extensions do.
    pub fn for_extensions(description: Description) -> Self {
        Self {
            runtime: None,
            ..Self::new(description)
        }
    }

    /// What registering extensions are told.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Whether the environment has Runtime API endpoints.
    pub fn has_runtime(&self) -> bool {
        self.runtime.is_some()
    }
}

/// What the runtime asks for.
impl Machine {
    /// The runtime asks for an invocation, which [`Self::take_invocation`] gives it.
    pub fn runtime_next(&mut self) -> Result<(), ApiError> {
        self.enter(RuntimeState::Ready)
    }

    /// The invocation for a runtime that has asked for one, if there is one.
    pub fn take_invocation(&mut self) -> Option<Arc<ApiInvocation>> {
        let current = self.current.as_mut()?;
        match self.runtime? {
            RuntimeState::Running => Some(Arc::clone(&current.invocation)),
            RuntimeState::Ready if !current.delivered => {
                current.delivered = true;
                self.runtime = Some(RuntimeState::Running);
                Some(Arc::clone(&current.invocation))
            }
            _ => None,
        }
    }

    /// The runtime begins to answer.
    pub fn begin_response(&mut self, id: &str) -> Result<(), ApiError> {
        self.begin_answer(id, RuntimeState::InvocationResponse)
    }

    /// The runtime reports that the invocation failed.
    pub fn begin_error(&mut self, id: &str) -> Result<(), ApiError> {
        self.begin_answer(id, RuntimeState::InvocationErrorResponse)
    }

    fn begin_answer(&mut self, id: &str, answer: RuntimeState) -> Result<(), ApiError> {
        let started = self.runtime == Some(RuntimeState::Started);
        if !started && !self.is_current(id) {
            return Err(ApiError::invalid_request_id());
        }
        self.enter(answer).map_err(|error| match self.runtime {
            // It has its answer.
            Some(RuntimeState::ResponseSent | RuntimeState::Ready) => ApiError::invalid_request_id(),
            _ => error,
        })
    }

    fn is_current(&self, id: &str) -> bool {
        let current = self.current.as_ref();
        RequestId::parse(id).is_some_and(|id| current.is_some_and(|current| current.invocation.id == id))
    }

    /// The answer is complete.
    pub fn end_answer(&mut self) -> Result<(), ApiError> {
        self.enter(RuntimeState::ResponseSent)
    }

    /// The runtime reports that its init failed.
    pub fn runtime_init_error(&mut self, error: ReportedError) -> Result<(), ApiError> {
        self.enter(RuntimeState::InitError)?;
        self.init_error = Some(error);
        Ok(())
    }

    fn enter(&mut self, next: RuntimeState) -> Result<(), ApiError> {
        match &mut self.runtime {
            Some(state) => state.enter(next),
            None => Err(ApiError::runtime_transition("Exited", next)),
        }
    }
}

/// What extensions ask for.
impl Machine {
    /// An extension registers: its identifier.
    pub fn register(&mut self, name: &str, events: &[String]) -> Result<Uuid, ApiError> {
        if name.is_empty() {
            return Err(ApiError::forbidden(
                "Extension.InvalidExtensionName",
                "Empty extension name",
            ));
        }
        let started = self.extensions.iter_mut().find(|known| known.name == name);
        let extension = match started {
            Some(known) if known.kind == ExtensionKind::External => {
                let events = Events::read(events, ExtensionKind::External)?;
                known.enter(ExtensionState::Registered, name)?;
                known.events = events;
                return Ok(known.id);
            }
            known => {
                let taken = known.is_some();
                let events = Events::read(events, ExtensionKind::Internal)?;
                self.admit_internal(taken)?;
                let mut extension = Extension::started(name.to_owned(), ExtensionKind::Internal);
                extension.state = ExtensionState::Registered;
                extension.events = events;
                extension
            }
        };
        let id = extension.id;
        self.extensions.push(extension);
        Ok(id)
    }

    fn admit_internal(&self, taken: bool) -> Result<(), ApiError> {
        let at_work = matches!(self.runtime, Some(state) if state != RuntimeState::Started);
        if !self.registering || at_work {
            return Err(ApiError::forbidden(
                "Extension.RegistrationClosed",
                "Extension registration closed already",
            ));
        }
        if self.extensions.len() >= MOST {
            return Err(ApiError::forbidden(
                "Extension.TooManyExtensions",
                format!("Extension limit ({MOST}) reached"),
            ));
        }
        if taken {
            return Err(ApiError::forbidden(
                "Extension.InvalidExtensionState",
                "Extension with this name already registered",
            ));
        }
        Ok(())
    }

    /// An extension asks for an event, which [`Self::take_event`] gives it.
    pub fn extension_next(&mut self, id: Uuid) -> Result<(), ApiError> {
        self.extension(id)?.enter(ExtensionState::Ready, id)
    }

    /// The event for an extension that has asked for one, if there is one.
    pub fn take_event(&mut self, id: Uuid) -> Option<Value> {
        let extension = self.extensions.iter_mut().find(|extension| extension.id == id)?;
        if extension.state != ExtensionState::Ready {
            return None;
        }
        let event = extension.pending.take()?;
        extension.state = ExtensionState::Running;
        Some(event)
    }

    /// An extension reports that its init failed.
    pub fn extension_init_error(&mut self, id: Uuid, error_type: &str) -> Result<(), ApiError> {
        self.extension_error(id, ExtensionState::InitError, error_type)
    }

    /// An extension reports an error, after which it ends.
    pub fn extension_exit_error(&mut self, id: Uuid, error_type: &str) -> Result<(), ApiError> {
        self.extension_error(id, ExtensionState::ExitError, error_type)
    }

    fn extension_error(&mut self, id: Uuid, state: ExtensionState, kind: &str) -> Result<(), ApiError> {
        let extension = self.extension(id)?;
        extension.enter(state, id)?;
        // The first one counts.
        extension.error_type.get_or_insert_with(|| kind.to_owned());
        Ok(())
    }

    /// The name of a registered extension.
    pub fn extension_name(&mut self, id: Uuid) -> Result<&str, ApiError> {
        Ok(&self.extension(id)?.name)
    }

    fn extension(&mut self, id: Uuid) -> Result<&mut Extension, ApiError> {
        let known = self.extensions.iter_mut();
        let mut registered = known.filter(|known| known.state != ExtensionState::Started);
        registered.find(|extension| extension.id == id).ok_or_else(|| {
            ApiError::forbidden(
                "Extension.UnknownExtensionIdentifier",
                format!("Unknown extension {id}"),
            )
        })
    }
}

/// What the platform does.
impl Machine {
    /// Executables of /opt/extensions are about to be started. To be said before any of them can register.
    pub fn expect_extensions(&mut self) {
        self.launching = true;
    }

    /// The last of them was.
    pub fn all_launched(&mut self) {
        self.launching = false;
    }

    /// Whether it is known if this name is an executable's of /opt/extensions: one that has just been started may
    /// register before the news of it has come.
    pub fn knows_kind_of(&self, name: &str) -> bool {
        !self.launching || self.extensions.iter().any(|known| known.name == name)
    }

    /// Whether every executable of /opt/extensions has registered; then it is the runtime's turn.
    pub fn externals_registered(&self) -> bool {
        let mut extensions = self.extensions.iter();
        !self.launching && extensions.all(|extension| extension.state != ExtensionState::Started)
    }

    /// Whether extensions may still register and subscribe.
    pub fn is_registering(&self) -> bool {
        self.registering
    }

    /// Nobody may register any more.
    pub fn close_registration(&mut self) {
        self.registering = false;
    }

    /// Whether every external extension has ended.
    pub fn all_exited(&self) -> bool {
        let external = |extension: &&Extension| extension.kind == ExtensionKind::External;
        let mut externals = self.extensions.iter().filter(external);
        externals.all(|extension| extension.ended)
    }

    /// An executable of /opt/extensions was started, or could not be. Whoever tells may tell of any number.
    pub fn launched(&mut self, name: &str, error: Option<&str>) {
        let error = match self.extensions.len() {
            ..MOST => error,
            MOST => Some("TooManyExtensions"),
            _ => return,
        };
        let mut extension = Extension::started(name.to_owned(), ExtensionKind::External);
        if let Some(error) = error {
            extension.state = ExtensionState::LaunchError;
            extension.ended = true;
            extension.error_type = Some(error.to_owned());
        }
        self.extensions.push(extension);
    }

    /// A process of an extension has ended, in the way that `how` says.
    pub fn exited(&mut self, name: &str, how: &str) {
        let mut external = self.extensions.iter_mut();
        let Some(extension) =
            external.find(|known| known.kind == ExtensionKind::External && known.name == name)
        else {
            return;
        };
        extension.ended = true;
        if !matches!(
            extension.state,
            ExtensionState::InitError | ExtensionState::ExitError
        ) {
            extension.state = ExtensionState::Exited;
            extension.error_type = Some(how.to_owned());
        }
    }

    /// Hands over an invocation, in place of the one before.
    pub fn invoke(&mut self, invocation: ApiInvocation) {
        self.registering = false;
        for extension in &mut self.extensions {
            if extension.events.invoke && extension.lives() {
                extension.pending = Some(invocation.extension_event());
            }
        }
        self.current = Some(Current {
            invocation: Arc::new(invocation),
            delivered: false,
        });
    }

    /// How the init stands: under way, done, or failed with an error that the runtime reported.
    pub fn init(&self) -> Option<Result<(), ReportedError>> {
        if let Some(error) = &self.init_error {
            return Some(Err(error.clone()));
        }
        let runtime = self.runtime.is_none_or(|state| state != RuntimeState::Started);
        let extensions = self.extensions.iter().all(|extension| {
            let waits = matches!(
                extension.state,
                ExtensionState::Started | ExtensionState::Registered
            );
            !waits
        });
        (runtime && extensions && !self.launching).then_some(Ok(()))
    }

    /// The first extension that failed, if any has.
    pub fn failed_extension(&self) -> Option<ExtensionInfo> {
        let mut extensions = self.extensions.iter();
        extensions
            .find(|extension| extension.failed())
            .map(Extension::info)
    }

    /// Whether the runtime waits for the next invocation.
    pub fn runtime_is_done(&self) -> bool {
        let delivered = || self.current.as_ref().is_none_or(|current| current.delivered);
        self.runtime
            .is_none_or(|state| state == RuntimeState::Ready && delivered())
    }

    /// Whether the invocation is over: the runtime and every extension that was told of it wait for the next one, and
    /// none has failed.
    pub fn is_settled(&self) -> bool {
        let at_work =
            |extension: &Extension| extension.failed() || extension.events.invoke && !extension.is_idle();
        self.runtime_is_done() && !self.extensions.iter().any(at_work)
    }

    /// The environment ends: extensions that asked to know are told.
    pub fn shut_down(&mut self, reason: ShutdownReason, deadline_ms: i64) {
        self.registering = false;
        for extension in &mut self.extensions {
            if extension.events.shutdown && extension.lives() {
                extension.pending = Some(reason.extension_event(deadline_ms));
            }
        }
    }

    /// Every extension, for the log.
    pub fn extensions(&self) -> Vec<ExtensionInfo> {
        self.extensions.iter().map(Extension::info).collect()
    }

    /// Whether anybody is told of invocations beside the runtime.
    pub fn has_any_extension(&self) -> bool {
        self.launching || !self.extensions.is_empty()
    }
}

#[cfg(test)]
mod tests;
