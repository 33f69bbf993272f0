//! What the engine knows of a function.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hearth_runtime::{Family, Logging, environment};
use hearth_sandbox::{Code, RuntimeIndex};
use hearth_types::{CodeHash, FunctionArn, NetworkPolicy, Qualifier};

use crate::admission::Concurrency;
use crate::pool::Pool;
use crate::ready::InUse;
use crate::{FunctionMeter, Invocation, record};

/// The installed interpreter a function runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeChoice {
    /// Its place in the warden's table.
    pub index: RuntimeIndex,
    /// The identifier the function was created with, such as `nodejs20.x`.
    pub identifier: String,
    /// Which bootstrap speaks to it.
    pub family: Family,
    /// What INIT_START names, such as `nodejs:20.20.2`.
    pub version: String,
}

/// The layers of a function, unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// The tree that appears at /opt: that of a single layer, or the one that several are merged into, later ones on
    /// top. `None` without layers.
    pub tree: Option<CodeHash>,
    /// Whether it has a `lib` directory, which the dynamic loader must know from the start.
    pub has_lib: bool,
    /// Whether it has an `extensions` directory, whose programs run beside the function.
    pub has_extensions: bool,
}

/// Everything about one revision of a function that running it takes. Immutable: an update makes a new one.
#[derive(Clone, Debug)]
pub struct FunctionSpec {
    /// The unqualified ARN.
    pub arn: FunctionArn,
    /// `$LATEST` or a published version.
    pub version: Qualifier,
    /// The interpreter.
    pub runtime: RuntimeChoice,
    /// The handler, such as `index.handler`.
    pub handler: String,
    /// The code: a package, which is unpacked already, or a folder that is shown.
    pub code: Code,
    /// Whether the code brings a `lib` directory, which the dynamic loader must know from the start.
    pub code_has_lib: bool,
    /// Its layers.
    pub layers: Layers,
    /// Memory, in MB.
    pub memory_mb: u32,
    /// Size of /tmp, in MB.
    pub ephemeral_mb: u32,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// The user's environment variables, in the clear.
    pub environment: Arc<BTreeMap<String, String>>,
    /// The execution role's ARN.
    pub role: String,
    /// The log group, by default `/aws/lambda/<name>`.
    pub log_group: String,
    /// The form of the log, and which of its lines are kept.
    pub logging: Logging,
    /// Where it may connect to.
    pub network: NetworkPolicy,
}

/// One deployed revision of a function and its environments. Made by [`crate::Engine::deploy`].
#[derive(Debug)]
pub struct Function {
    pub(crate) spec: FunctionSpec,
    pub(crate) pool: Arc<Pool>,
    pub(crate) concurrency: Concurrency,
    pub(crate) meter: Arc<dyn FunctionMeter>,
    /// Keeps an interpreter ready that it can take.
    pub(crate) _ready: Option<Arc<InUse>>,
}

impl FunctionSpec {
    /// Whether an interpreter that is running already cannot serve the function.
    pub(crate) fn needs_fresh_start(&self) -> bool {
        self.code_has_lib
            || self.layers.has_lib
            || self.layers.has_extensions
            || environment::needs_fresh_start(&self.environment)
    }
}

impl Function {
    /// What was deployed.
    pub fn spec(&self) -> &FunctionSpec {
        &self.spec
    }

    /// Counts an invocation that is refused.
    pub(crate) fn throttled(&self, invocation: &Invocation) {
        self.meter.throttled(record::qualifier(&invocation.invoked_arn));
    }

    /// Takes this revision out of service: idle environments stop now, running ones when their
    /// invocation ends. Call it after the successor is in place, so that nobody starts on this one again.
    pub fn retire(&self) {
        self.pool.retire();
    }
}
