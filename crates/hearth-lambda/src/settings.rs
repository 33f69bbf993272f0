//! A function's configuration: the defaults, what a request changes, and the limits.

use std::collections::BTreeMap;

use hearth_runtime::{Catalogue, Logging, Refusal};
use hearth_types::limits;
use hearth_wire::lambda::{
    Architecture, CreateFunctionRequest, EphemeralStorage, LoggingConfig, TracingMode,
    UpdateFunctionConfigurationRequest,
};
use serde::{Deserialize, Serialize};

use crate::environment::{self, EnvironmentError, SealedEnvironment};
use crate::layers::UsedLayer;
use crate::logging::{self, LevelOfText};

/// What a function is run with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// The runtime identifier, such as `nodejs20.x`.
    pub(crate) runtime: String,
    /// The handler, such as `index.handler`.
    pub(crate) handler: String,
    /// The execution role's ARN.
    pub(crate) role: String,
    /// Free text.
    pub(crate) description: String,
    /// How long one invocation may take.
    pub(crate) timeout_seconds: u32,
    /// Memory, in MB.
    pub(crate) memory_mb: u32,
    /// Size of /tmp, in MB.
    pub(crate) ephemeral_mb: u32,
    /// The instruction set the code was built for. Shown, and of no effect on interpreted code.
    pub(crate) architecture: Architecture,
    /// The tracing mode. Shown only, until there is tracing.
    pub(crate) tracing: TracingMode,
    /// The log group.
    pub(crate) log_group: String,
    /// The form of the log, and which of its lines are kept.
    #[serde(default)]
    pub(crate) logging: Logging,
    /// The environment variables, if the function was ever given any.
    pub(crate) environment: Option<SealedEnvironment>,
    /// The layers, the last one on top.
    #[serde(default)]
    pub(crate) layers: Vec<UsedLayer>,
}

/// What a request says about a function's configuration: only the members that it names.
#[derive(Clone, Debug, Default)]
pub(crate) struct SettingsChange {
    pub(crate) runtime: Option<String>,
    pub(crate) handler: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) timeout: Option<i32>,
    pub(crate) memory: Option<i32>,
    pub(crate) ephemeral: Option<i32>,
    pub(crate) architecture: Option<Architecture>,
    pub(crate) tracing: Option<TracingMode>,
    pub(crate) logging: Option<LoggingConfig>,
    pub(crate) environment: Option<Variables>,
    /// Looked up already; a request names them by their ARNs.
    pub(crate) layers: Option<Vec<UsedLayer>>,
}

/// Environment variables in the clear. `Debug` shows their number only.
#[derive(Clone, Default)]
pub(crate) struct Variables(pub(crate) BTreeMap<String, String>);

/// A configuration that no function can have.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// Code from a zip file needs both.
    #[error("Runtime and Handler are mandatory parameters for functions created with deployment packages.")]
    RuntimeAndHandler,
    /// The runtime is not one a function can have.
    #[error(transparent)]
    Runtime(#[from] Refusal),
    /// The model permits more only to functions of a kind that does not exist here.
    #[error(
        "'{member}' value failed to satisfy constraint: Member must have value less than or equal to {max}"
    )]
    TooMuch { member: &'static str, max: u32 },
    /// The variables are too large or use names that are not free.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// Levels for a log that has none.
    #[error(transparent)]
    Logging(#[from] LevelOfText),
}

impl Settings {
    /// The configuration of a new function, before the request's own values.
    pub(crate) fn for_new(name: &str) -> Self {
        Self {
            runtime: String::new(),
            handler: String::new(),
            role: String::new(),
            description: String::new(),
            timeout_seconds: 3,
            memory_mb: *limits::MEMORY_MB.start(),
            ephemeral_mb: *limits::EPHEMERAL_MB.start(),
            architecture: Architecture::X8664,
            tracing: TracingMode::PassThrough,
            log_group: format!("/aws/lambda/{name}"),
            logging: Logging::Text,
            environment: None,
            layers: Vec::new(),
        }
    }

    /// Checks a change and applies all of it, or nothing. `seal` hides the environment variables.
    pub(crate) fn apply(
        &mut self,
        change: SettingsChange,
        catalogue: &Catalogue,
        seal: impl FnOnce(&Variables) -> SealedEnvironment,
    ) -> Result<(), SettingsError> {
        let mut next = self.clone();
        if let Some(variables) = &change.environment {
            environment::check(variables)?;
            next.environment = Some(seal(variables));
        }
        if let Some(runtime) = change.runtime {
            catalogue.resolve(&runtime)?;
            next.runtime = runtime;
        }
        set(&mut next.handler, change.handler);
        set(&mut next.role, change.role);
        set(&mut next.description, change.description);
        set(&mut next.architecture, change.architecture);
        set(&mut next.tracing, change.tracing);
        if let Some(change) = change.logging {
            logging::apply(&mut next, change)?;
        }
        set(&mut next.layers, change.layers);
        set(
            &mut next.timeout_seconds,
            at_most("Timeout", change.timeout, *limits::TIMEOUT_SECONDS.end())?,
        );
        set(
            &mut next.memory_mb,
            at_most("MemorySize", change.memory, *limits::MEMORY_MB.end())?,
        );
        set(
            &mut next.ephemeral_mb,
            at_most("EphemeralStorage", change.ephemeral, *limits::EPHEMERAL_MB.end())?,
        );
        if next.runtime.is_empty() || next.handler.is_empty() {
            return Err(SettingsError::RuntimeAndHandler);
        }
        *self = next;
        Ok(())
    }
}

fn set<T>(value: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *value = new;
    }
}

/// Holds a number, whose lower bound the model has checked, to its upper bound.
fn at_most(member: &'static str, value: Option<i32>, max: u32) -> Result<Option<u32>, SettingsError> {
    let Some(value) = value else { return Ok(None) };
    match u32::try_from(value) {
        Ok(value) if value <= max => Ok(Some(value)),
        _ => Err(SettingsError::TooMuch { member, max }),
    }
}

impl SettingsChange {
    /// Takes the configuration out of a CreateFunction request.
    pub(crate) fn of_new(request: &mut CreateFunctionRequest) -> Self {
        Self {
            runtime: request.runtime.take(),
            handler: request.handler.take(),
            role: Some(std::mem::take(&mut request.role)),
            description: request.description.take(),
            timeout: request.timeout,
            memory: request.memory_size,
            ephemeral: size(request.ephemeral_storage.take()),
            architecture: request
                .architectures
                .take()
                .and_then(|list| list.first().copied()),
            tracing: request.tracing_config.take().and_then(|config| config.mode),
            logging: request.logging_config.take(),
            environment: request.environment.take().map(Variables::from),
            layers: None,
        }
    }

    /// Takes the configuration out of an UpdateFunctionConfiguration request.
    pub(crate) fn of_update(request: &mut UpdateFunctionConfigurationRequest) -> Self {
        Self {
            runtime: request.runtime.take(),
            handler: request.handler.take(),
            role: request.role.take(),
            description: request.description.take(),
            timeout: request.timeout,
            memory: request.memory_size,
            ephemeral: size(request.ephemeral_storage.take()),
            architecture: None,
            tracing: request.tracing_config.take().and_then(|config| config.mode),
            logging: request.logging_config.take(),
            environment: request.environment.take().map(Variables::from),
            layers: None,
        }
    }
}

fn size(storage: Option<EphemeralStorage>) -> Option<i32> {
    storage.and_then(|storage| storage.size)
}
