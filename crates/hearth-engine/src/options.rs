//! The engine's settings.

use std::net::SocketAddr;
use std::time::Duration;

use hearth_types::limits;

/// How the engine behaves; every field has AWS's value as its default where AWS has one.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// How long an idle environment is kept.
    pub keep_alive: Duration,
    /// How long an environment lives at most; shorter than its credentials.
    pub environment_lifetime: Duration,
    /// How long a function's init may take before the environment is reset.
    pub init_timeout: Duration,
    /// Concurrent executions of an account in a region.
    pub account_concurrency: u32,
    /// Largest response of an invocation that streams it, in bytes.
    pub streamed_response_bytes: u64,
    /// How fast a streamed response flows after its first 6 MiB, in bytes per second: 2 MiB on AWS. None is as fast as
    /// the client reads.
    pub stream_rate: Option<u64>,
    /// Interpreters kept booted and unclaimed per runtime and memory size; 0 keeps none.
    pub ready_environments: usize,
    /// Environments that boot at the same time; more would only slow one another down.
    pub parallel_boots: usize,
    /// Memory that new environments must leave free on the node, in MiB.
    pub memory_reserve_mb: u64,
    /// Name servers that answer what functions ask; the host's own where none are given.
    pub name_servers: Vec<SocketAddr>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_secs(600),
            environment_lifetime: Duration::from_secs(6 * 3600),
            init_timeout: Duration::from_secs(limits::INIT_SECONDS),
            account_concurrency: limits::CONCURRENT_EXECUTIONS,
            streamed_response_bytes: limits::STREAMED_RESPONSE,
            stream_rate: None,
            ready_environments: 1,
            parallel_boots: std::thread::available_parallelism().map_or(2, usize::from) * 2,
            memory_reserve_mb: 512,
            name_servers: Vec::new(),
        }
    }
}
