//! Starting: from what the store holds to functions in service.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use hearth_store::StoreError;
use hearth_types::{FunctionArn, Qualifier};
use hearth_wire::lambda::State;
use tracing::{error, warn};

use crate::activation;
use crate::alias::{self, Alias};
use crate::function::{self, Function};
use crate::lifecycle::Lifecycle;
use crate::registry::{Availability, Entry, Release};
use crate::service::Service;

/// What was published of a function.
#[derive(Default)]
struct Published {
    versions: BTreeMap<u64, Release>,
    aliases: BTreeMap<String, Arc<Alias>>,
}

/// Puts every function of the store into service and finishes what an earlier server did not.
pub(crate) async fn resume(service: &Service) -> Result<(), StoreError> {
    service.urls.resume(&*service.store).await?;
    service.layers.load().await?;
    let functions = service.functions.all(function::KIND).await?;
    let mut published = published(service).await?;
    for function in &functions {
        let arn = function.arn();
        if let Some(reserved) = function.whole.reserved_concurrency
            && let Err(error) = service.invoker.set_reserved(&arn, Some(reserved))
        {
            warn!(function = %arn, %error, "the reserved concurrency has no effect");
        }
        let latest = Release::new(function, availability(service, function).await);
        let Published { versions, aliases } = published.remove(&arn).unwrap_or_default();
        let entry = Entry {
            latest,
            versions: Arc::new(versions),
            aliases: Arc::new(aliases),
        };
        service.registry.put(&arn, entry);
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

/// The versions and aliases of all functions. Nothing is taken into service here.
async fn published(service: &Service) -> Result<HashMap<FunctionArn, Published>, StoreError> {
    let mut published: HashMap<FunctionArn, Published> = HashMap::new();
    for version in service.functions.all(function::VERSION_KIND).await? {
        if let Qualifier::Version(number) = version.version {
            let of_function = published.entry(version.arn()).or_default();
            of_function
                .versions
                .insert(number, service.release(&version, number));
        }
    }
    for document in service.store.list_all(alias::KIND).await? {
        let alias = Alias::from_document(&document)?;
        let of_function = published.entry(alias.function_arn()).or_default();
        of_function.aliases.insert(alias.name.clone(), Arc::new(alias));
    }
    Ok(published)
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
