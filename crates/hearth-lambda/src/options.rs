//! The service's settings.

use std::sync::Arc;
use std::time::Duration;

use hearth_engine::Meter;

use crate::Folders;

/// How the Lambda API behaves; the defaults are AWS's where AWS has one.
#[derive(Clone, Debug)]
pub struct LambdaOptions {
    /// Waits before the second and third attempt of an asynchronous invocation that the function failed. Their
    /// number is the number of retries.
    pub retry_delays: Vec<Duration>,
    /// How long an asynchronous invocation may wait for its last attempt.
    pub event_age: Duration,
    /// First wait after an attempt that never reached the function, such as a throttled one. Doubles each time.
    pub back_off: Duration,
    /// Longest of these waits.
    pub back_off_limit: Duration,
    /// How many asynchronous invocations run at the same time on this node, of all functions together. They can wait,
    /// so they need not start more environments at once than the node has processors for.
    pub concurrent_events: usize,
    /// How long an asynchronous invocation stays hidden from other nodes without a sign of life from the one that
    /// runs it.
    pub event_lease: Duration,
    /// What shows folders of this machine to functions; nothing but in development mode.
    pub folders: Option<Arc<dyn Folders>>,
    /// Where events of asynchronous invocations are counted, if they are.
    pub meter: Option<Arc<dyn Meter>>,
    /// Whether functions can be held to a network policy. Where they cannot, any but the one that allows everything is
    /// refused.
    pub holds_network_policies: bool,
    /// How long a `Code.Location` is valid.
    pub code_link_lifetime: Duration,
    /// How long a code package that no function refers to any more is kept: longer than any invocation that began
    /// with it runs, and than any upload takes.
    pub code_grace: Duration,
}

impl Default for LambdaOptions {
    fn default() -> Self {
        Self {
            retry_delays: vec![Duration::from_secs(60), Duration::from_secs(120)],
            event_age: Duration::from_secs(6 * 3600),
            back_off: Duration::from_secs(1),
            back_off_limit: Duration::from_secs(300),
            concurrent_events: std::thread::available_parallelism().map_or(2, usize::from) * 32,
            event_lease: Duration::from_secs(60),
            folders: None,
            meter: None,
            holds_network_policies: true,
            code_link_lifetime: Duration::from_secs(600),
            code_grace: Duration::from_secs(1800),
        }
    }
}
