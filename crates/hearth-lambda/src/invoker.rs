//! The seam to the engine: what this crate needs of whatever runs functions.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hearth_engine::{
    Engine, Function, FunctionSpec, Invocation, InvokeError, Outcome, ReservationError, ResponseStream,
};
use hearth_types::{FunctionArn, Scope};

/// A future that can live in a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs functions: the [`Engine`], or a stand-in in tests.
pub trait Invoker: Send + Sync + 'static {
    /// Takes a revision into service, beside the one it replaces.
    fn deploy(&self, spec: FunctionSpec) -> BoxFuture<'_, Arc<dyn Deployment>>;

    /// Sets or removes a function's reserved concurrency.
    fn set_reserved(&self, arn: &FunctionArn, reserved: Option<u32>) -> Result<(), ReservationError>;

    /// Concurrency of an account in a region that no function has reserved.
    fn unreserved_concurrency(&self, scope: &Scope) -> u32;

    /// The limit of concurrent executions per account and region.
    fn account_concurrency(&self) -> u32;
}

/// One revision of a function in service.
pub trait Deployment: Send + Sync + 'static {
    /// Runs an invocation to its end.
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'_, Result<Outcome, InvokeError>>;

    /// Runs an invocation to its end, and hands its response over as it comes.
    fn invoke_streaming(&self, invocation: Invocation) -> BoxFuture<'_, Result<ResponseStream, InvokeError>>;

    /// Accepts no more invocations, and ends the environments when the running ones are through.
    fn retire(&self);
}

/// A function deployed on the engine.
struct Deployed {
    engine: Engine,
    function: Arc<Function>,
}

impl Invoker for Engine {
    fn deploy(&self, spec: FunctionSpec) -> BoxFuture<'_, Arc<dyn Deployment>> {
        let deployed = Deployed {
            engine: self.clone(),
            function: self.deploy(spec),
        };
        Box::pin(async { Arc::new(deployed) as Arc<dyn Deployment> })
    }

    fn set_reserved(&self, arn: &FunctionArn, reserved: Option<u32>) -> Result<(), ReservationError> {
        self.set_reserved(arn, reserved)
    }

    fn unreserved_concurrency(&self, scope: &Scope) -> u32 {
        self.unreserved_concurrency(scope)
    }

    fn account_concurrency(&self) -> u32 {
        self.account_concurrency()
    }
}

impl Deployment for Deployed {
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'_, Result<Outcome, InvokeError>> {
        Box::pin(self.engine.invoke(&self.function, invocation))
    }

    fn invoke_streaming(&self, invocation: Invocation) -> BoxFuture<'_, Result<ResponseStream, InvokeError>> {
        Box::pin(self.engine.invoke_streaming(&self.function, invocation))
    }

    fn retire(&self) {
        self.function.retire();
    }
}
