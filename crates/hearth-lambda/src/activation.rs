//! Making a function ready: from Pending to Active, and from an update to its success.
//!
//! Nothing of this is remembered but the function's own state, so a server that was killed in between finds at its
//! next start what it has to finish.

use std::sync::Arc;
use std::time::Duration;

use hearth_engine::{Code, FunctionSpec, RuntimeChoice};
use hearth_store::{Unit, When};
use hearth_types::{CodeHash, FunctionArn, NetworkPolicy, Qualifier};
use hearth_wire::lambda::{State, StateReasonCode};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::{error, warn};

use crate::code::{CodeError, PackageRefused};
use crate::error::Error;
use crate::function::{Function, Stored};
use crate::invoker::Deployment;
use crate::lifecycle::{Lifecycle, Reason};
use crate::network;
use crate::on_demand::OnDemand;
use crate::registry::{Availability, Entry, Release};
use crate::runtimes;
use crate::service::Service;
use crate::settings::Variables;

/// First and longest wait after the store failed.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(30)];

/// Makes functions ready, each in its own time, as they are asked for.
pub(crate) async fn run(service: Arc<Service>, mut requests: mpsc::UnboundedReceiver<FunctionArn>) {
    let mut under_way = JoinSet::new();
    loop {
        tokio::select! {
            Some(arn) = requests.recv() => {
                let service = Arc::clone(&service);
                under_way.spawn(async move { activate(&service, &arn).await });
            }
            Some(_) = under_way.join_next() => {}
            else => return,
        }
    }
}

/// Makes a function ready and commits that it is. Returns when nothing is left to do.
async fn activate(service: &Service, arn: &FunctionArn) {
    let [mut pause, longest] = PAUSES;
    while let Err(error) = step(service, arn).await {
        warn!(function = %arn, %error, "a function has to wait to become ready");
        sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}

async fn step(service: &Service, arn: &FunctionArn) -> Result<(), Error> {
    let Some(Stored { function, .. }) = in_preparation(service, arn).await? else {
        return Ok(());
    };
    let prepared = prepare(service, &function).await;
    let _turn = service.turn.lock().await;
    // It was deleted meanwhile, perhaps created again: then somebody else makes it ready.
    let current = in_preparation(service, arn).await?;
    let Some(mut current) = current.filter(|stored| stored.function.runs_as(&function)) else {
        if let Ok(deployment) = prepared {
            deployment.retire();
        }
        return Ok(());
    };
    let mut version = version_in_preparation(service, &current.function).await?;
    let of_version = version.as_mut().map(|(_, version)| &mut version.function);
    settle(service, prepared, &mut current.function, of_version);
    let mut unit = Unit::new();
    if let Some((number, version)) = version {
        let release = service.release(&version.function, number);
        service
            .registry
            .update(arn, |entry| entry.put_version(number, release));
        unit = unit.put(
            version.function.key(),
            version.function.to_body(),
            When::Revision(version.revision),
        );
    }
    let Stored { function, revision } = current;
    let unit = unit.put(function.key(), function.to_body(), When::Revision(revision));
    service.store.commit(unit).await?;
    Ok(())
}

/// Puts what was prepared into service, or what could not be out of it, and enters how it came out into the function
/// and the version that becomes ready with it.
fn settle(
    service: &Service,
    prepared: Result<Arc<dyn Deployment>, Reason>,
    function: &mut Function,
    version: Option<&mut Function>,
) {
    let arn = function.arn();
    let of_version = match prepared {
        Ok(deployment) => {
            // First in service, then told: whoever is told must not meet the old code.
            let availability = Availability::Active {
                deployment,
                packages: function.packages(),
            };
            enter_service(service, &arn, Release::new(function, availability));
            function.enter(Lifecycle::Ready);
            Lifecycle::Ready
        }
        Err(reason) => {
            error!(function = %arn, reason = reason.text, "a function could not be made ready");
            if function.lifecycle == Lifecycle::Creating {
                let availability = Availability::Refused(State::Failed);
                enter_service(service, &arn, Release::new(function, availability));
            }
            function.enter(function.lifecycle.fail(reason.clone()));
            // So what is published next is a new version, also if it is the same again.
            function.whole.published = None;
            Lifecycle::CreationFailed(reason)
        }
    };
    if let Some(version) = version {
        version.enter(of_version);
    }
}

/// The version that becomes ready with the function: the one that was published with the update, or at creation.
async fn version_in_preparation(
    service: &Service,
    function: &Function,
) -> Result<Option<(u64, Stored)>, Error> {
    let Some(number) = function.whole.published else {
        return Ok(None);
    };
    match service.functions.version(&function.arn(), number).await {
        Ok(version) => {
            Ok(Some((number, version)).filter(|(_, version)| version.function.lifecycle.is_in_preparation()))
        }
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn in_preparation(service: &Service, arn: &FunctionArn) -> Result<Option<Stored>, Error> {
    match service.functions.find(arn).await {
        Ok(stored) => Ok(Some(stored).filter(|stored| stored.function.lifecycle.is_in_preparation())),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts `$LATEST` of a function into the registry and retires what was there.
fn enter_service(service: &Service, arn: &FunctionArn, latest: Release) {
    let replace = |entry: &mut Entry| std::mem::replace(&mut entry.latest, latest);
    if let Some(before) = service.registry.update(arn, replace) {
        service.let_go(&before);
    }
}

/// Replaces the environments of a function and its versions, in whose place new ones run as the function is now. Where
/// that fails, as after an update that could not be made ready, the function cannot be invoked: the old environments
/// would not be what the function says. Whoever calls this holds the turn, and no update is under way.
pub(crate) async fn redeploy(service: &Service, function: &Function) {
    let arn = function.arn();
    let shown = service.registry.find(&arn);
    let latest = match shown.map(|entry| entry.latest.availability.clone()) {
        Some(Availability::Active { .. }) => Some(match prepare(service, function).await {
            Ok(deployment) => Availability::Active {
                deployment,
                packages: function.packages(),
            },
            Err(reason) => Availability::Unusable(reason),
        }),
        Some(Availability::OnDemand(_)) => {
            let latest = OnDemand::new(service, arn.clone(), Qualifier::Latest);
            Some(Availability::OnDemand(latest))
        }
        Some(Availability::Refused(_) | Availability::Unusable(_)) | None => None,
    };
    let is_replaced = latest.is_some();
    let before = service.registry.update(&arn, |entry| {
        let before = entry.clone();
        if let Some(availability) = latest {
            entry.latest.availability = availability;
        }
        entry.renew_versions(|number| OnDemand::new(service, arn.clone(), Qualifier::Version(number)));
        before
    });
    let Some(before) = before else { return };
    before
        .versions
        .values()
        .for_each(|version| service.let_go(version));
    if is_replaced {
        service.let_go(&before.latest);
    } else {
        // What is being made ready is not what the function is now.
        service.activate(arn);
    }
}

/// The code of a function, unpacked or shown, and whether it has a `lib` directory.
async fn code(service: &Service, function: &Function) -> Result<(Code, bool), CodeError> {
    match (&function.folder, &service.options.folders) {
        (Some(path), Some(folders)) => {
            let opened = folders.open(path).await.map_err(PackageRefused::Folder)?;
            Ok((Code::Folder(opened.folder), opened.has_lib))
        }
        (Some(_), None) => Err(PackageRefused::InS3.into()),
        (None, _) => {
            let tree = service.code.unpack(function.code.hash).await?;
            Ok((function.code.hash.into(), tree.has_lib))
        }
    }
}

/// What runs a function here.
pub(crate) fn runtime(service: &Service, function: &Function) -> Result<RuntimeChoice, Reason> {
    runtimes::choose(&service.catalogue, &function.settings.runtime).map_err(|error| Reason {
        code: StateReasonCode::InvalidRuntime,
        text: error.to_string(),
    })
}

/// Unpacks and checks the code of a function or one of its versions and deploys it.
pub(crate) async fn prepare(service: &Service, function: &Function) -> Result<Arc<dyn Deployment>, Reason> {
    let (code, code_has_lib) = code(service, function).await.map_err(|error| Reason {
        code: error.reason_code(),
        text: error.to_string(),
    })?;
    let settings = &function.settings;
    let layers: Vec<CodeHash> = settings.layers.iter().map(|layer| layer.code.hash).collect();
    let layers = service.code.layers(&layers).await.map_err(|error| Reason {
        code: error.reason_code(),
        text: error.to_string(),
    })?;
    let runtime = runtime(service, function)?;
    let variables = match &settings.environment {
        None => Variables::default(),
        Some(sealed) => sealed
            .unseal(&service.sealer, &function.arn())
            .map_err(|error| Reason {
                code: StateReasonCode::InvalidStateKmsKey,
                text: error.to_string(),
            })?,
    };
    let spec = FunctionSpec {
        arn: function.arn(),
        version: function.version.clone(),
        runtime,
        handler: settings.handler.clone(),
        code,
        code_has_lib,
        layers,
        memory_mb: settings.memory_mb,
        ephemeral_mb: settings.ephemeral_mb,
        timeout: Duration::from_secs(settings.timeout_seconds.into()),
        environment: Arc::new(variables.0),
        role: settings.role.clone(),
        log_group: settings.log_group.clone(),
        logging: settings.logging,
        // Tags were checked when they were set; what cannot be read opens nothing.
        network: network::policy(&function.whole.tags).unwrap_or(NetworkPolicy::None),
    };
    Ok(service.invoker.deploy(spec).await)
}
