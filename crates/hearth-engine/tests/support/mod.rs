//! An engine on stand-ins for sandbox and runtime.
#![allow(dead_code, reason = "each suite uses a part of it")]

mod runtime;
mod sandbox;

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hearth_engine::{
    Api, CredentialSource, Endpoint, Engine, EngineOptions, Function, FunctionMeter, FunctionSpec,
    Invocation, InvocationRecord, Layers, LogBatch, LogSink, Meter, Node, QueuedEvent, RuntimeChoice,
    SessionVariables,
};
use hearth_sandbox::{RuntimeIndex, Sandbox};
use hearth_types::{
    AccountId, CodeHash, FunctionArn, FunctionName, NetworkPolicy, Qualifier, Region, RequestId, Scope,
};
use sandbox::FakeSandbox;
use serde_json::Value;
use tokio::net::TcpStream;

/// Keeps the text of every log event, without the line feed that ends it.
#[derive(Default)]
pub(crate) struct Collected(Mutex<Vec<String>>);

impl Collected {
    pub(crate) fn messages(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl LogSink for Collected {
    fn append(&self, batch: LogBatch) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0
            .lock()
            .unwrap()
            .extend(batch.events.into_iter().map(|event| {
                let text = event.message.strip_suffix('\n');
                text.expect("an event ends in a line feed").to_owned()
            }));
        Box::pin(std::future::ready(()))
    }
}

/// A record, and the qualifier that the invocation had.
pub(crate) type Entry = (Option<String>, InvocationRecord);

/// Keeps what is counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) records: Arc<Mutex<Vec<Entry>>>,
    pub(crate) throttles: Arc<AtomicUsize>,
}

impl Meter for Counted {
    fn function(&self, _: &FunctionArn, _: &Qualifier) -> Arc<dyn FunctionMeter> {
        Arc::new(self.clone())
    }
}

impl FunctionMeter for Counted {
    fn invoked(&self, qualifier: Option<&str>, record: &InvocationRecord) {
        let mut records = self.records.lock().unwrap();
        records.push((qualifier.map(str::to_owned), *record));
    }

    fn throttled(&self, _: Option<&str>) {
        self.throttles.fetch_add(1, Ordering::Relaxed);
    }

    fn event(&self, _: Option<&str>, _: QueuedEvent) {}

    fn used_cpu(&self, _: Duration) {}
}

struct NoApi;

impl Api for NoApi {
    fn endpoint(&self, _: &FunctionSpec, _: &str) -> Arc<dyn Endpoint> {
        Arc::new(Self)
    }
}

impl Endpoint for NoApi {
    fn serve(&self, _: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async {})
    }
}

struct NoCredentials;

impl CredentialSource for NoCredentials {
    fn session(&self, _: &FunctionSpec) -> SessionVariables {
        let text = || "test".to_owned();
        SessionVariables {
            access_key_id: text(),
            secret_access_key: text(),
            session_token: text(),
        }
    }
}

/// A machine without end, unless it is told what it has.
pub(crate) struct Machine {
    available_mb: AtomicU64,
    returns: Mutex<Option<Returns>>,
}

/// Environments that end give memory back.
struct Returns {
    sandbox: Arc<FakeSandbox>,
    before: usize,
    mb: u64,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            available_mb: AtomicU64::new(1 << 20),
            returns: Mutex::default(),
        }
    }
}

impl Machine {
    pub(crate) fn set_available(&self, mb: u64) {
        self.available_mb.store(mb, Ordering::SeqCst);
        *self.returns.lock().unwrap() = None;
    }

    /// From now on there are `mb` more for each environment that there are less than `before`.
    pub(crate) fn and_for_each_less_than(&self, sandbox: &Arc<FakeSandbox>, before: usize, mb: u64) {
        let sandbox = Arc::clone(sandbox);
        *self.returns.lock().unwrap() = Some(Returns { sandbox, before, mb });
    }
}

impl Node for Machine {
    fn available_memory(&self) -> Option<u64> {
        let returns = self.returns.lock().unwrap();
        let returned = returns.as_ref().map_or(0, |returns| {
            returns.before.saturating_sub(returns.sandbox.live()) as u64 * returns.mb
        });
        Some((self.available_mb.load(Ordering::SeqCst) + returned) << 20)
    }

    fn idle_time(&self) -> Option<Duration> {
        None
    }

    fn cores(&self) -> usize {
        2
    }
}

/// An engine on a [`FakeSandbox`].
pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) sandbox: Arc<FakeSandbox>,
    pub(crate) log: Arc<Collected>,
    pub(crate) counted: Arc<Counted>,
}

impl Stage {
    pub(crate) fn new(change: impl FnOnce(&mut EngineOptions)) -> Self {
        Self::on(Arc::new(Machine::default()), change)
    }

    pub(crate) fn on(machine: Arc<Machine>, change: impl FnOnce(&mut EngineOptions)) -> Self {
        let mut options = EngineOptions {
            ready_environments: 0,
            memory_reserve_mb: 0,
            ..EngineOptions::default()
        };
        change(&mut options);
        let (sandbox, log) = (Arc::new(FakeSandbox::default()), Arc::new(Collected::default()));
        let counted = Arc::new(Counted::default());
        let engine = Engine::on_node(
            options,
            Arc::clone(&sandbox) as Arc<dyn Sandbox>,
            Arc::new(NoCredentials),
            Arc::new(NoApi),
            Arc::clone(&log) as Arc<dyn LogSink>,
            Arc::clone(&counted) as Arc<dyn Meter>,
            machine,
        );
        Self {
            engine,
            sandbox,
            log,
            counted,
        }
    }

    pub(crate) fn deploy(&self, change: impl FnOnce(&mut FunctionSpec)) -> Arc<Function> {
        let mut spec = spec();
        change(&mut spec);
        self.engine.deploy(spec)
    }
}

fn spec() -> FunctionSpec {
    let scope = Scope {
        account: AccountId::DEFAULT,
        region: Region::default(),
    };
    FunctionSpec {
        arn: FunctionArn::new(scope, FunctionName::parse("f").unwrap()),
        version: Qualifier::Latest,
        runtime: RuntimeChoice {
            index: RuntimeIndex(0),
            identifier: "python3.11".into(),
            family: hearth_runtime::Family::Python,
            version: "python:3.11.7".into(),
        },
        handler: "app.handler".into(),
        code: CodeHash::of(b"code").into(),
        code_has_lib: false,
        layers: Layers::default(),
        memory_mb: 128,
        ephemeral_mb: 512,
        timeout: Duration::from_secs(3),
        environment: Arc::default(),
        role: "arn:aws:iam::000000000000:role/r".into(),
        log_group: "/aws/lambda/f".into(),
        logging: hearth_runtime::Logging::Text,
        network: NetworkPolicy::default(),
    }
}

/// Waits until a condition holds; the test runner's time limit is the only clock.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

pub(crate) fn invocation(event: Value) -> Invocation {
    Invocation {
        request_id: RequestId::new(),
        payload: event.to_string().into(),
        invoked_arn: "arn".into(),
        client_context: None,
        trace: None,
        tail: false,
    }
}
