//! Running an invocation: from a function's name to its outcome, without touching the store.

use std::sync::Arc;

use hearth_engine::{Invocation, InvokeError, Outcome, ResponseStream};
use hearth_types::{FunctionArn, Qualifier};

use crate::invoker::{BoxFuture, Deployment};
use crate::lifecycle::NotReady;
use crate::registry::Registry;

/// Why an invocation did not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRun {
    /// There is no such function, version or alias.
    #[error("Function not found: {0}")]
    NoSuchFunction(FunctionArn),
    /// It cannot be invoked now.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// The engine refused.
    #[error(transparent)]
    Engine(#[from] InvokeError),
}

/// What is in service and runs an invocation.
struct InService {
    /// `$LATEST` or the number of a version: what an alias came to.
    version: Qualifier,
    /// What runs it.
    deployment: Arc<dyn Deployment>,
}

/// Runs an invocation to its end, and says which version it was.
pub(crate) async fn run(
    registry: &Registry,
    arn: &FunctionArn,
    qualifier: &Qualifier,
    invocation: Invocation,
) -> Result<(Outcome, Qualifier), NotRun> {
    attempt(registry, arn, qualifier, &invocation, |deployment| {
        deployment.invoke(invocation.clone())
    })
    .await
}

/// Runs an invocation and hands its response over as it comes, and says which version it is.
pub(crate) async fn stream(
    registry: &Registry,
    arn: &FunctionArn,
    qualifier: &Qualifier,
    invocation: Invocation,
) -> Result<(ResponseStream, Qualifier), NotRun> {
    attempt(registry, arn, qualifier, &invocation, |deployment| {
        deployment.invoke_streaming(invocation.clone())
    })
    .await
}

/// Runs an invocation on what is in service under the qualifier when it starts. Where a revision is replaced in the
/// same moment, its successor runs it: whatever is accepted after an update's success runs the updated function. Each
/// attempt of the same request falls on the same side of an alias' weights.
async fn attempt<T>(
    registry: &Registry,
    arn: &FunctionArn,
    qualifier: &Qualifier,
    invocation: &Invocation,
    invoke: impl for<'a> Fn(&'a dyn Deployment) -> BoxFuture<'a, Result<T, InvokeError>>,
) -> Result<(T, Qualifier), NotRun> {
    loop {
        let draw = invocation.request_id.fraction();
        let result = match in_service(registry, arn, qualifier, draw).await {
            Ok(InService { version, deployment }) => match invoke(&*deployment).await {
                Ok(value) => return Ok((value, version)),
                Err(error) => NotRun::Engine(error),
            },
            Err(error) => error,
        };
        match result {
            NotRun::Engine(InvokeError::Retired) => tokio::task::yield_now().await,
            error => return Err(error),
        }
    }
}

/// What runs an invocation now. `draw`, a number from 0 to just below 1, decides between the versions of an alias.
async fn in_service(
    registry: &Registry,
    arn: &FunctionArn,
    qualifier: &Qualifier,
    draw: f64,
) -> Result<InService, NotRun> {
    let entry = registry.find(arn);
    let chosen = entry.as_ref().and_then(|entry| entry.choose(qualifier, draw));
    let (version, release) = chosen.ok_or_else(|| not_found(arn, qualifier))?;
    let deployment = release.availability.deployment().await?;
    Ok(InService { version, deployment })
}

fn not_found(arn: &FunctionArn, qualifier: &Qualifier) -> NotRun {
    NotRun::NoSuchFunction(match qualifier {
        Qualifier::Latest => arn.clone(),
        qualifier => arn.qualified(qualifier.clone()),
    })
}
