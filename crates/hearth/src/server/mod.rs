//! The server process: it holds no privilege, and everything else of the node.

mod credentials;
mod folders;
mod guard;
mod health;
mod identity;
mod inside;
mod log_sink;
mod metrics;
mod node;
mod signals;
mod usage;

use std::io::IsTerminal;

use hearth_sandbox::WardenClient;
use hearth_sandbox::server::{Inherited, enter};
use tracing::Level;

use crate::failure::Failure;
use crate::launch::Handover;
use crate::settings::LogLevel;

/// The whole life of a server: from giving up its privileges to the last answer.
pub(crate) fn run() -> Result<(), Failure> {
    let Inherited {
        warden,
        listeners,
        settings,
        data,
        folders,
        scratch,
    } = enter().map_err(|error| Failure::failed(format!("the server cannot confine itself: {error}")))?;
    let handover: Handover = serde_json::from_str(&settings).map_err(Failure::failed)?;
    start_log(handover.settings.log_level);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .enable_all()
        .build();
    runtime.map_err(Failure::failed)?.block_on(async {
        let warden = WardenClient::new(warden, scratch).map_err(Failure::failed)?;
        node::run(handover, warden, folders, listeners, &data).await
    })
}

/// Threads that serve: half as many as there are cores. The functions need the other half, and a thread that is never
/// idle need not be woken for each request.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2))
}

/// The server's own log: standard error, one line per message.
fn start_log(level: LogLevel) {
    let level = match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
}
