//! Running an invocation: from a function's name to its outcome, without touching the store.

use hearth_engine::{Invocation, InvokeError, Outcome, ResponseStream};
use hearth_types::FunctionArn;

use crate::invoker::{BoxFuture, Deployment};
use crate::lifecycle::NotReady;
use crate::registry::{Availability, Registry};

/// Why an invocation did not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRun {
    /// There is no such function.
    #[error("Function not found: {0}")]
    NoSuchFunction(FunctionArn),
    /// It cannot be invoked now.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// The engine refused.
    #[error(transparent)]
    Engine(#[from] InvokeError),
}

/// Runs an invocation to its end.
pub(crate) async fn run(
    registry: &Registry,
    arn: &FunctionArn,
    invocation: Invocation,
) -> Result<Outcome, NotRun> {
    attempt(registry, arn, |deployment| deployment.invoke(invocation.clone())).await
}

/// Runs an invocation and hands its response over as it comes.
pub(crate) async fn stream(
    registry: &Registry,
    arn: &FunctionArn,
    invocation: Invocation,
) -> Result<ResponseStream, NotRun> {
    attempt(registry, arn, |deployment| {
        deployment.invoke_streaming(invocation.clone())
    })
    .await
}

/// Runs an invocation on the revision that is in service when it starts. Where that revision is replaced in the same
/// moment, its successor runs it: whatever is accepted after an update's success runs the updated function.
async fn attempt<T>(
    registry: &Registry,
    arn: &FunctionArn,
    invoke: impl for<'a> Fn(&'a dyn Deployment) -> BoxFuture<'a, Result<T, InvokeError>>,
) -> Result<T, NotRun> {
    loop {
        let entry = registry
            .find(arn)
            .ok_or_else(|| NotRun::NoSuchFunction(arn.clone()))?;
        let deployment = match entry.availability {
            Availability::Active { deployment, .. } => deployment,
            Availability::Refused(state) => return Err(NotReady::NotActive { state }.into()),
            Availability::Unusable(reason) => return Err(NotReady::Unusable(reason).into()),
        };
        match invoke(&*deployment).await {
            Err(InvokeError::Retired) => tokio::task::yield_now().await,
            result => return Ok(result?),
        }
    }
}
