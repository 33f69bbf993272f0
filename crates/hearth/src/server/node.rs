//! Puts the node together, serves until it is told to stop, and takes it apart again.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hearth_engine::{Engine, EngineOptions, Meter};
use hearth_gateway::FunctionUrls;
use hearth_iam::{Sealer, SessionIssuer, sts};
use hearth_lambda::{Folders, LambdaOptions, LambdaService};
use hearth_logs::{LogOptions, LogService, LogStore};
use hearth_metering::{Metering, MeteringOptions, Prices};
use hearth_runtime::Catalogue;
use hearth_sandbox::{FolderClient, Tier, WardenClient};
use hearth_store::sqlite::{self, OpenError, SqliteStore};
use hearth_store::{Blobs, Store, Trees};
use hearth_wire::{Router, Server};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::credentials::Sessions;
use super::folders::Shown;
use super::inside::InsideApi;
use super::log_sink::Sink;
use super::metrics::MetricsPage;
use super::usage::UsagePage;
use super::{health, identity, signals};
use crate::failure::Failure;
use crate::launch::Handover;
use crate::settings::Settings;

/// The parts that have something to finish at the end.
struct Node {
    engine: Engine,
    lambda: LambdaService,
    logs: LogStore,
    metering: Metering,
    log_service: LogService,
    router: Arc<Router>,
}

/// Runs the node to its end.
pub(super) async fn run(
    handover: Handover,
    mut warden: WardenClient,
    folders: Option<OwnedFd>,
    listeners: Vec<TcpListener>,
    data: &Path,
) -> Result<(), Failure> {
    let stop = signals::stop().map_err(Failure::failed)?;
    let folders = folders
        .map(FolderClient::new)
        .transpose()
        .map_err(Failure::failed)?;
    if let Some(folders) = &folders {
        warden = warden.with_folders(folders.clone());
    }
    let servers = listeners
        .into_iter()
        .map(server)
        .collect::<Result<Vec<_>, _>>()
        .map_err(Failure::failed)?;
    let addresses: Vec<SocketAddr> = servers.iter().map(Server::local_addr).collect();
    let grace = handover.settings.grace_period;
    let node = assemble(handover, warden.clone(), folders, &addresses, data).await?;
    node.lambda.resume().await.map_err(Failure::failed)?;
    for address in &addresses {
        eprintln!("listening on http://{address}");
    }
    let mut serving = JoinSet::new();
    for server in servers {
        let (router, stop) = (Arc::clone(&node.router), stop.clone());
        serving.spawn(server.serve(router, async move { stop.come().await }, grace));
    }
    tokio::select! {
        () = stop.come() => {}
        () = warden.died() => return Err(Failure::broken("the warden has ended, and with it every environment")),
    }
    node.finish(serving, grace).await;
    Ok(())
}

fn server(listener: TcpListener) -> std::io::Result<Server> {
    Server::from_listener(tokio::net::TcpListener::from_std(listener)?)
}

async fn assemble(
    handover: Handover,
    warden: WardenClient,
    folders: Option<FolderClient>,
    addresses: &[SocketAddr],
    data: &Path,
) -> Result<Node, Failure> {
    let Handover {
        mode,
        tier,
        settings,
        discovery,
        data: outside,
    } = handover;
    let store =
        SqliteStore::open(data, &sqlite::Options::default()).map_err(|error| unopened(error, &outside))?;
    let store: Arc<dyn Store> = store;
    let blobs = Blobs::open(data).map_err(Failure::failed)?;
    let trees = Trees::open(data, blobs.clone()).map_err(Failure::failed)?;
    let logs = LogStore::open(&data.join("logs"), log_options(&settings)).map_err(Failure::failed)?;
    let sealer = Arc::new(Sealer::open(&data.join("keys")).map_err(Failure::failed)?);
    let sessions = SessionIssuer::new(Arc::clone(&sealer));
    let catalogue = Arc::new(Catalogue::new(discovery, mode.substitutes()));
    let inside = InsideApi::default();
    let metering =
        Metering::open(&data.join("metering"), metering_options(&settings)).map_err(Failure::failed)?;
    let engine = Engine::new(
        engine_options(&settings),
        Arc::new(warden),
        Arc::new(Sessions(sessions.clone())),
        Arc::new(inside.clone()),
        Arc::new(Sink(logs.clone())),
        Arc::new(metering.clone()),
    );
    if let Some(folders) = &folders {
        let engine = engine.clone();
        folders.on_change(move |folder| engine.renew(folder));
    }
    let profile = identity::Profile {
        data,
        outside: &outside,
        addresses,
    };
    let authenticators = identity::authenticators(mode, &*store, &sealer, sessions, &profile).await?;
    let lambda = LambdaService::new(
        Arc::clone(&store),
        blobs,
        trees,
        Arc::new(engine.clone()),
        sealer,
        Arc::clone(&catalogue),
        LambdaOptions {
            retry_delays: settings.retry_delays,
            folders: folders.map(|folders| Arc::new(Shown(folders)) as Arc<dyn Folders>),
            meter: Some(Arc::new(metering.clone()) as Arc<dyn Meter>),
            holds_network_policies: tier != Tier::Process,
            ..LambdaOptions::default()
        },
    );
    let mut router = Router::new(authenticators.outside);
    lambda.register(&mut router);
    let log_service = LogService::open(logs.clone(), Arc::clone(&store))
        .await
        .map_err(Failure::failed)?;
    hearth_logs::register(&mut router, log_service.clone());
    sts::register(&mut router);
    hearth_cloudwatch::register(&mut router, metering.clone());
    router.site(FunctionUrls::new(lambda.urls()));
    router.site(UsagePage {
        metering: metering.clone(),
        prices: Prices {
            gb_second: settings.price_gb_second.0,
            request: settings.price_request.0,
        },
    });
    router.site(MetricsPage {
        metering: metering.clone(),
        engine: engine.clone(),
        access: settings.metrics.unwrap_or_else(|| mode.metrics()),
    });
    router.health(move || health::health(tier, &catalogue));
    let router = Arc::new(router);
    inside.open(Arc::clone(&router), authenticators.inside);
    Ok(Node {
        engine,
        lambda,
        logs,
        metering,
        log_service,
        router,
    })
}

/// The directory has another name for the user.
fn unopened(error: OpenError, outside: &Path) -> Failure {
    Failure::unavailable(match error {
        OpenError::InUse { holder, .. } => OpenError::InUse {
            dir: outside.to_owned(),
            holder,
        },
        other => other,
    })
}

impl Node {
    /// Lets what runs come to its end, at most for the grace period, and writes down what there is.
    async fn finish(self, mut serving: JoinSet<()>, grace: Duration) {
        tracing::info!("stopping: running invocations may finish");
        self.log_service.close();
        let requests = async { while serving.join_next().await.is_some() {} };
        let finished = timeout(grace, async {
            tokio::join!(requests, self.lambda.close());
            // Those whose client has gone.
            self.engine.drain(grace).await
        });
        if finished.await != Ok(true) {
            tracing::warn!("some invocations did not finish within the grace period");
        }
        self.logs.flush().await;
        self.metering.close();
    }
}

fn log_options(settings: &Settings) -> LogOptions {
    LogOptions {
        retention: settings.log_retention,
        group_bytes: settings.log_group_size.0,
        total_bytes: settings.log_size.0,
        ..LogOptions::default()
    }
}

fn metering_options(settings: &Settings) -> MeteringOptions {
    MeteringOptions {
        total_bytes: settings.metering_size.0,
        ..MeteringOptions::default()
    }
}

fn engine_options(settings: &Settings) -> EngineOptions {
    EngineOptions {
        keep_alive: settings.keep_alive,
        account_concurrency: settings.account_concurrency,
        ready_environments: settings.ready_environments as usize,
        name_servers: settings.dns_servers.clone(),
        streamed_response_bytes: settings.stream_size.0,
        stream_rate: settings.stream_rate.map(|rate| rate.0),
        memory_reserve_mb: settings.memory_reserve.0 >> 20,
        ..EngineOptions::default()
    }
}
