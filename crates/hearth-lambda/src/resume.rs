//! Starting: from what the store holds to functions that can be invoked.
//!
//! A start does nothing for each function but to read it: there may be ten thousand, of which a few are invoked.

use std::cmp::Reverse;
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
use crate::on_demand::OnDemand;
use crate::registry::{Availability, Entry, Release};
use crate::service::Service;

/// What was published of a function.
#[derive(Default)]
struct Published {
    versions: BTreeMap<u64, Release>,
    aliases: BTreeMap<String, Arc<Alias>>,
}

/// How many kinds of functions are expected to be invoked soon.
const EXPECTED: usize = 8;

/// Shows every function of the store and finishes what an earlier server did not.
pub(crate) async fn resume(service: &Service) -> Result<(), StoreError> {
    service.urls.resume(&*service.store).await?;
    service.layers.load().await?;
    let functions = service.functions.all(function::KIND).await?;
    let mut published = published(service).await?;
    let mut entries = Vec::with_capacity(functions.len());
    for function in &functions {
        let arn = function.arn();
        if let Some(reserved) = function.whole.reserved_concurrency
            && let Err(error) = service.invoker.set_reserved(&arn, Some(reserved))
        {
            warn!(function = %arn, %error, "the reserved concurrency has no effect");
        }
        let latest = Release::new(function, availability(service, function));
        let Published { versions, aliases } = published.remove(&arn).unwrap_or_default();
        let entry = Entry {
            latest,
            versions: Arc::new(versions),
            aliases: Arc::new(aliases),
        };
        entries.push((arn, entry));
    }
    service.registry.fill(entries);
    service.code.sweep(service.packages()).await;
    for function in functions
        .iter()
        .filter(|function| function.lifecycle.is_in_preparation())
    {
        service.activate(function.arn());
    }
    expect(service, &functions).await;
    Ok(())
}

/// Takes one function of each of the commonest kinds into service: the engine then boots interpreters for that kind
/// ahead, so that no function's first invocation has to wait for one.
async fn expect(service: &Service, functions: &[Function]) {
    let mut kinds: BTreeMap<_, (usize, FunctionArn)> = BTreeMap::new();
    let is_in_service = |function: &&Function| match service.registry.find(&function.arn()) {
        Some(entry) => entry.latest.availability.check().is_ok(),
        None => false,
    };
    for function in functions.iter().filter(is_in_service) {
        let kind = (function.settings.runtime.as_str(), function.settings.memory_mb);
        kinds.entry(kind).or_insert_with(|| (0, function.arn())).0 += 1;
    }
    let mut commonest: Vec<_> = kinds.into_values().collect();
    commonest.sort_by_key(|(count, _)| Reverse(*count));
    for (_, arn) in commonest.into_iter().take(EXPECTED) {
        if let Some(entry) = service.registry.find(&arn)
            && let Err(error) = entry.latest.availability.deployment().await
        {
            warn!(function = %arn, %error, "a function is not in service");
        }
    }
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

fn availability(service: &Service, function: &Function) -> Availability {
    match &function.lifecycle {
        Lifecycle::Creating => Availability::Refused(State::Pending),
        Lifecycle::CreationFailed(_) => Availability::Refused(State::Failed),
        // What the function was before its update is gone with the server that ran it, so an update under way is what
        // runs from here on.
        Lifecycle::Ready | Lifecycle::Updating | Lifecycle::UpdateFailed(_) => {
            match activation::runtime(service, function) {
                Ok(_) => {
                    let latest = OnDemand::new(service, function.arn(), Qualifier::Latest);
                    Availability::OnDemand(latest)
                }
                Err(reason) => {
                    error!(function = %function.arn(), reason = reason.text, "a function cannot be invoked");
                    Availability::Unusable(reason)
                }
            }
        }
    }
}
