//! Brings a folder to a server: creates the function, updates it, or finds that nothing has changed.

mod error;
mod publish;
mod runtime;
mod source;
mod wanted;

use std::path::Path;
use std::time::{Duration, Instant};

use hearth_wire::lambda::{FunctionConfiguration, LastUpdateStatus, State};
use indicatif::{ProgressBar, ProgressStyle};

pub(crate) use error::DeployError;
pub(crate) use publish::{Published, publish};
pub(crate) use runtime::Runtimes;
pub(crate) use source::Source;
pub(crate) use wanted::Wanted;

use crate::client::{Client, ClientError};
use crate::package::{Package, PackageError, pack};

/// How long the server may take to make new code ready.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is asked.
const INTERVAL: Duration = Duration::from_millis(20);

/// What a deployment came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Created,
    Updated,
    Unchanged,
}

impl Change {
    /// As part of a sentence.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        }
    }
}

/// A function as it is on the server now.
pub(crate) struct Deployed {
    pub(crate) change: Change,
    pub(crate) configuration: FunctionConfiguration,
    pub(crate) source: Source,
}

/// Packs a folder, showing progress on a terminal, and deploys it. Returns when the function can be invoked.
pub(crate) async fn deploy(client: &Client, wanted: &Wanted) -> Result<Deployed, DeployError> {
    let package = pack_with_progress(&wanted.project.folder)?;
    deploy_source(client, wanted, Source::Package(package)).await
}

/// Deploys a function with this code. Returns when the function can be invoked.
pub(crate) async fn deploy_source(
    client: &Client,
    wanted: &Wanted,
    source: Source,
) -> Result<Deployed, DeployError> {
    let (change, configuration) = match client.configuration(&wanted.name).await {
        Ok(existing) => update(client, wanted, &source, existing).await?,
        Err(error) if error.is_not_found() => (Change::Created, create(client, wanted, &source).await?),
        Err(error) => return Err(error.into()),
    };
    Ok(Deployed {
        change,
        configuration,
        source,
    })
}

async fn create(
    client: &Client,
    wanted: &Wanted,
    source: &Source,
) -> Result<FunctionConfiguration, DeployError> {
    let runtime = wanted.runtime(&client.runtimes().await?)?;
    client
        .create_function(&wanted.creation(runtime, client.account(), source.code()))
        .await?;
    settled(client, &wanted.name).await
}

async fn update(
    client: &Client,
    wanted: &Wanted,
    source: &Source,
    existing: FunctionConfiguration,
) -> Result<(Change, FunctionConfiguration), DeployError> {
    let mut change = Change::Unchanged;
    let runtimes = if wanted.keeps_runtime(&existing) {
        Runtimes::new()
    } else {
        client.runtimes().await?
    };
    let difference = wanted.difference(&existing, &runtimes)?;
    let mut configuration = settled(client, &wanted.name).await?;
    if existing.code_sha256 != Some(source.hash().to_base64()) {
        client.update_code(&wanted.name, &source.code()).await?;
        configuration = settled(client, &wanted.name).await?;
        change = Change::Updated;
    }
    if let Some(difference) = difference {
        client.update_configuration(&difference).await?;
        configuration = settled(client, &wanted.name).await?;
        change = Change::Updated;
    }
    if wanted.network.is_some() && set_network(client, wanted, &configuration).await? {
        configuration = settled(client, &wanted.name).await?;
        change = Change::Updated;
    }
    Ok((change, configuration))
}

/// Gives an existing function its network policy; whether it had another one.
async fn set_network(
    client: &Client,
    wanted: &Wanted,
    configuration: &FunctionConfiguration,
) -> Result<bool, DeployError> {
    let Some(tags) = wanted.missing_tag(&client.tags(&wanted.name).await?) else {
        return Ok(false);
    };
    let arn = configuration.function_arn.as_deref().unwrap_or(&wanted.name);
    client.tag(arn, &tags).await?;
    Ok(true)
}

/// Waits until the function is active and its last update done.
async fn settled(client: &Client, name: &str) -> Result<FunctionConfiguration, DeployError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = client.configuration(name).await?;
        match (now.state, now.last_update_status) {
            (Some(State::Failed), _) => {
                return Err(DeployError::Failed {
                    reason: reason(now.state_reason),
                });
            }
            (_, Some(LastUpdateStatus::Failed)) => {
                return Err(DeployError::Failed {
                    reason: reason(now.last_update_status_reason),
                });
            }
            (Some(State::Pending), _) | (_, Some(LastUpdateStatus::InProgress)) => {}
            _ => return Ok(now),
        }
        if Instant::now() > deadline {
            return Err(DeployError::Slow {
                seconds: PATIENCE.as_secs(),
            });
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

fn reason(given: Option<String>) -> String {
    given.unwrap_or_else(|| "the server gives no reason".to_owned())
}

fn pack_with_progress(folder: &Path) -> Result<Package, PackageError> {
    let style = ProgressStyle::with_template("packing {bar:30} {bytes} of {total_bytes}");
    let bar = ProgressBar::new(0).with_style(style.expect("the template is a constant"));
    let package = pack(folder, |more, total| {
        bar.set_length(total);
        bar.inc(more);
    });
    bar.finish_and_clear();
    package
}

impl From<ClientError> for DeployError {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}
