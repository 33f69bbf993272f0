//! A stand-in for the engine: what a function does is told by its handler.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hearth_engine::{
    Code, FunctionError, FunctionSpec, Invocation, InvokeError, Outcome, ReservationError, ResponseHead,
    ResponseStream, ThrottleReason,
};
use hearth_lambda::{BoxFuture, Deployment, Invoker};
use hearth_runtime::{Catalogue, Discovery, Family, InstalledRuntime, Substitutes};
use hearth_types::{FunctionArn, Scope};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

use super::now_ms;
use super::zip::zip;

pub(crate) const ROLE: &str = "arn:aws:iam::000000000000:role/r";

/// Runs nothing and remembers everything.
pub(crate) struct FakeEngine {
    /// While false, functions do not become ready.
    ready: watch::Sender<bool>,
    /// Runs of handler `index.hang` end one per permit.
    pub(crate) hung: Arc<Semaphore>,
    reserved: Mutex<HashMap<String, u32>>,
    runs: Arc<Mutex<Vec<Run>>>,
    deployed: Mutex<Vec<String>>,
}

/// One run of a function.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) function: String,
    pub(crate) version: String,
    pub(crate) request_id: String,
    pub(crate) payload: String,
    pub(crate) at_ms: u128,
}

struct FakeDeployment {
    spec: FunctionSpec,
    retired: AtomicBool,
    calls: AtomicUsize,
    hung: Arc<Semaphore>,
    runs: Arc<Mutex<Vec<Run>>>,
}

impl FakeEngine {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            ready: watch::Sender::new(true),
            hung: Arc::new(Semaphore::new(0)),
            reserved: Mutex::default(),
            runs: Arc::default(),
            deployed: Mutex::default(),
        })
    }

    /// Whether functions become ready from now on.
    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.send_replace(ready);
    }

    /// Which versions of a function were taken into service, in order.
    pub(crate) fn deployed(&self, function: &str) -> Vec<String> {
        let deployed = self.deployed.lock().unwrap();
        let of_it = |name: &String| Some(name.strip_prefix(function)?.strip_prefix(':')?.to_owned());
        deployed.iter().filter_map(of_it).collect()
    }

    /// The runs of a function so far.
    pub(crate) fn runs(&self, function: &str) -> Vec<Run> {
        self.runs
            .lock()
            .unwrap()
            .iter()
            .filter(|run| run.function == function)
            .cloned()
            .collect()
    }
}

impl Invoker for FakeEngine {
    fn deploy(&self, spec: FunctionSpec) -> BoxFuture<'_, Arc<dyn Deployment>> {
        let mut ready = self.ready.subscribe();
        let name = format!("{}:{}", spec.arn.name, spec.version);
        self.deployed.lock().unwrap().push(name);
        let (hung, runs) = (Arc::clone(&self.hung), Arc::clone(&self.runs));
        Box::pin(async move {
            let _ = ready.wait_for(|ready| *ready).await;
            let (retired, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
            Arc::new(FakeDeployment {
                spec,
                retired,
                calls,
                hung,
                runs,
            }) as Arc<dyn Deployment>
        })
    }

    fn set_reserved(&self, arn: &FunctionArn, reserved: Option<u32>) -> Result<(), ReservationError> {
        let mut all = self.reserved.lock().unwrap();
        let others: u32 = all
            .iter()
            .filter(|(name, _)| **name != arn.name.as_str())
            .map(|(_, n)| n)
            .sum();
        match reserved {
            Some(reserved) if reserved > 0 && others + reserved > 900 => return Err(ReservationError),
            Some(reserved) => all.insert(arn.name.to_string(), reserved),
            None => all.remove(arn.name.as_str()),
        };
        Ok(())
    }

    fn unreserved_concurrency(&self, _: &Scope) -> u32 {
        1000 - self.reserved.lock().unwrap().values().sum::<u32>()
    }

    fn account_concurrency(&self) -> u32 {
        1000
    }
}

impl Deployment for FakeDeployment {
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'_, Result<Outcome, InvokeError>> {
        Box::pin(async move {
            if self.retired.load(Ordering::SeqCst) {
                return Err(InvokeError::Retired);
            }
            let call = self.calls.fetch_add(1, Ordering::SeqCst);
            match self.spec.handler.as_str() {
                "index.throttled" => {
                    return Err(InvokeError::Throttled(
                        ThrottleReason::ConcurrentInvocationLimitExceeded,
                    ));
                }
                "index.throttled_once" if call == 0 => {
                    return Err(InvokeError::Throttled(
                        ThrottleReason::ConcurrentInvocationLimitExceeded,
                    ));
                }
                "index.broken" => return Err(InvokeError::Environment("no sandbox".into())),
                "index.closing" => return Err(InvokeError::ShuttingDown),
                _ => {}
            }
            self.runs.lock().unwrap().push(Run {
                function: self.spec.arn.name.to_string(),
                version: self.spec.version.to_string(),
                request_id: invocation.request_id.to_string(),
                payload: String::from_utf8_lossy(&invocation.payload).into_owned(),
                at_ms: now_ms(),
            });
            Ok(match self.spec.handler.as_str() {
                "index.fail" => failed(&invocation),
                "index.fail_once" if call == 0 => failed(&invocation),
                "index.context" => {
                    let payload = self.context(&invocation).to_string();
                    outcome(&invocation, payload)
                }
                "index.hang" => {
                    self.hung.acquire().await.unwrap().forget();
                    outcome(&invocation, "null".into())
                }
                _ => outcome(
                    &invocation,
                    String::from_utf8_lossy(&invocation.payload).into_owned(),
                ),
            })
        })
    }

    /// One chunk, or none where the function fails at once; `index.stream` fails after two.
    fn invoke_streaming(&self, invocation: Invocation) -> BoxFuture<'_, Result<ResponseStream, InvokeError>> {
        Box::pin(async move {
            let (head, chunks) = match self.spec.handler.as_str() {
                "index.fail" => (ResponseHead::default(), Vec::new()),
                "index.stream" => {
                    let head = ResponseHead {
                        content_type: Some("text/plain".into()),
                    };
                    let outcome = failed(&invocation);
                    let chunks = vec!["one ".into(), "two".into()];
                    return Ok(ResponseStream::complete(head, chunks, outcome));
                }
                _ => (ResponseHead::default(), vec![invocation.payload.clone()]),
            };
            let mut outcome = self.invoke(invocation).await?;
            if outcome.error.is_none() {
                outcome.payload = "".into();
            }
            Ok(ResponseStream::complete(head, chunks, outcome))
        })
    }

    fn retire(&self) {
        self.retired.store(true, Ordering::SeqCst);
    }
}

impl FakeDeployment {
    fn context(&self, invocation: &Invocation) -> Value {
        let spec = &self.spec;
        json!({
            "requestId": invocation.request_id.to_string(),
            "arn": invocation.invoked_arn,
            "version": spec.version.to_string(),
            "network": spec.network.to_string(),
            "clientContext": invocation.client_context,
            "trace": invocation.trace,
            "code": match spec.code {
                Code::Package(hash) => hash.to_string(),
                Code::Folder(folder) => format!("folder {}", folder.0),
            },
            "hasLib": spec.code_has_lib,
            "layers": {
                "tree": spec.layers.tree.map(|tree| tree.to_string()),
                "hasLib": spec.layers.has_lib,
                "hasExtensions": spec.layers.has_extensions,
            },
            "runtime": spec.runtime.identifier,
            "memory": spec.memory_mb,
            "ephemeral": spec.ephemeral_mb,
            "timeout": spec.timeout.as_secs(),
            "environment": *spec.environment,
            "role": spec.role,
            "logGroup": spec.log_group,
        })
    }
}

fn outcome(invocation: &Invocation, payload: String) -> Outcome {
    Outcome {
        payload: payload.into(),
        error: None,
        log_tail: invocation.tail.then(|| "START\nEND\n".into()),
        duration: Duration::from_millis(1),
        init_duration: None,
        max_memory_mb: 32,
    }
}

fn failed(invocation: &Invocation) -> Outcome {
    let error = FunctionError {
        kind: "Unhandled",
        error_type: "Error".into(),
    };
    let payload = json!({"errorType": "Error", "errorMessage": "no"}).to_string();
    Outcome {
        error: Some(error),
        ..outcome(invocation, payload)
    }
}

/// What to send to create a function.
pub(crate) fn create_request(name: &str, handler: &str) -> Value {
    json!({
        "FunctionName": name,
        "Runtime": "nodejs20.x",
        "Role": ROLE,
        "Handler": handler,
        "Code": {"ZipFile": STANDARD.encode(zip([("index.js", handler.as_bytes())]))},
    })
}

/// A catalogue of interpreters that are not there.
pub(crate) fn catalogue() -> Arc<Catalogue> {
    let installed = |family, version: &str| InstalledRuntime {
        family,
        version: version.parse().unwrap(),
        executable: "/nowhere/bin/x".into(),
        prefix: "/nowhere".into(),
        executable_in_prefix: "bin/x".into(),
    };
    let installed = vec![
        installed(Family::Nodejs, "20.20.2"),
        installed(Family::Python, "3.11.7"),
    ];
    Arc::new(Catalogue::new(
        Discovery {
            installed,
            named: [].into(),
        },
        Substitutes::Refused,
    ))
}
