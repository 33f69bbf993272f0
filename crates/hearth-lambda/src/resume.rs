//! Starting: from what the store holds to functions in service.

use hearth_store::StoreError;
use hearth_wire::lambda::State;
use tracing::{error, warn};

use crate::activation::{self, enter_service};
use crate::function::Function;
use crate::lifecycle::Lifecycle;
use crate::registry::{Availability, Entry};
use crate::service::Service;

/// Puts every function of the store into service and finishes what an earlier server did not.
pub(crate) async fn resume(service: &Service) -> Result<(), StoreError> {
    service.urls.resume(&*service.store).await?;
    service.layers.load().await?;
    let functions = service.functions.all().await?;
    for function in &functions {
        let arn = function.arn();
        if let Some(reserved) = function.reserved_concurrency
            && let Err(error) = service.invoker.set_reserved(&arn, Some(reserved))
        {
            warn!(function = %arn, %error, "the reserved concurrency has no effect");
        }
        let availability = availability(service, function).await;
        enter_service(service, &arn, Entry::new(function, availability));
    }
    service.code.sweep(service.packages()).await;
    for function in functions
        .iter()
        .filter(|function| function.lifecycle.is_in_preparation())
    {
        service.activate(function.arn());
    }
    Ok(())
}

async fn availability(service: &Service, function: &Function) -> Availability {
    match &function.lifecycle {
        Lifecycle::Creating => Availability::Refused(State::Pending),
        Lifecycle::CreationFailed(_) => Availability::Refused(State::Failed),
        // What the function was before its update is gone with the server that ran it, so an update under way is what
        // runs from here on.
        Lifecycle::Ready | Lifecycle::Updating | Lifecycle::UpdateFailed(_) => {
            match activation::prepare(service, function).await {
                Ok(deployment) => Availability::Active {
                    deployment,
                    packages: function.packages(),
                },
                Err(reason) => {
                    error!(function = %function.arn(), reason = reason.text, "a function cannot be invoked");
                    Availability::Unusable(reason)
                }
            }
        }
    }
}
