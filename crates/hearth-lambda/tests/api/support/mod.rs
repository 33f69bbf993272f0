//! A Lambda service on real state and a stand-in for the engine, called through the router.

pub(crate) mod fake;
pub(crate) mod zip;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hearth_iam::Sealer;
use hearth_lambda::{LambdaOptions, LambdaService};
use hearth_store::sqlite::{Options, SqliteStore};
use hearth_store::{Blobs, Store, Trees};
use hearth_types::{AccountId, Scope};
use hearth_wire::{Authenticated, Authenticator, AwsError, Caller, CallerKind, Router, SignedRequest};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;

use self::fake::FakeEngine;

/// A node without sockets and without environments.
pub(crate) struct Node {
    pub(crate) lambda: LambdaService,
    pub(crate) engine: Arc<FakeEngine>,
    pub(crate) store: Arc<dyn Store>,
    router: Router,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Node {
    /// Starts on a directory, which may hold the state of an earlier node.
    pub(crate) async fn start(dir: &Path, options: LambdaOptions) -> Self {
        Self::start_with(dir, options, FakeEngine::new()).await
    }

    pub(crate) async fn start_with(dir: &Path, options: LambdaOptions, engine: Arc<FakeEngine>) -> Self {
        let store: Arc<dyn Store> = open(dir).await;
        let blobs = Blobs::open(dir).unwrap();
        let trees = Trees::open(dir, blobs.clone()).unwrap();
        let sealer = Arc::new(Sealer::open(&dir.join("keys")).unwrap());
        let lambda = LambdaService::new(
            Arc::clone(&store),
            blobs,
            trees,
            Arc::clone(&engine) as Arc<dyn hearth_lambda::Invoker>,
            sealer,
            fake::catalogue(),
            options,
        );
        let mut router = Router::new(Arc::new(Anyone));
        lambda.register(&mut router);
        lambda.resume().await.unwrap();
        Self {
            lambda,
            engine,
            store,
            router,
        }
    }

    /// Starts with a grace period for code that nobody uses which a test can wait for, and which is longer than an
    /// upload takes to be committed on a busy machine.
    pub(crate) async fn with_short_grace(dir: &Path) -> Self {
        let options = LambdaOptions {
            code_grace: Duration::from_secs(2),
            ..LambdaOptions::default()
        };
        Self::start(dir, options).await
    }

    /// Ends the node as a killed process ends: at once, with everything that it was doing.
    pub(crate) async fn kill(self) {
        drop(self);
        // Tasks are dropped when they are next looked at; the store's lock on the directory goes with the last.
        tokio::task::yield_now().await;
    }

    /// Sends a request with a body.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "hearth.test:4566");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self
            .router
            .handle(request.body(Full::new(body.into())).unwrap())
            .await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    /// Creates a function whose handler means something to the stand-in, and waits until it is active.
    pub(crate) async fn create(&self, name: &str, handler: &str) {
        let request = fake::create_request(name, handler);
        let answer = self
            .send("POST", "/2015-03-31/functions", &[], request.to_string())
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        self.wait_until(name, "State", "Active").await;
    }

    pub(crate) async fn invoke(&self, name: &str, kind: &str, payload: &str) -> Answer {
        let path = format!("/2015-03-31/functions/{name}/invocations");
        self.send(
            "POST",
            &path,
            &[("x-amz-invocation-type", kind)],
            payload.to_owned(),
        )
        .await
    }

    /// Waits until a member of a function's configuration has a value.
    pub(crate) async fn wait_until(&self, name: &str, member: &str, value: &str) {
        let path = format!("/2015-03-31/functions/{name}/configuration");
        eventually(&format!("{member} of {name} is {value}"), async || {
            self.get(&path).await.json()[member] == value
        })
        .await;
    }
}

/// Opens the store as soon as a node that was killed has let go of it.
async fn open(dir: &Path) -> Arc<SqliteStore> {
    let mut opened = SqliteStore::open(dir, &Options::default());
    eventually("the directory is free", async || {
        if opened.is_err() {
            opened = SqliteStore::open(dir, &Options::default());
        }
        opened.is_ok()
    })
    .await;
    opened.unwrap()
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Waits for a condition, and fails naming it when it does not come about.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = SystemTime::now() + Duration::from_secs(20);
    while !condition().await {
        assert!(SystemTime::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(crate) fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}

/// The header that says which account asks; without it, it is the usual one.
pub(crate) const ACCOUNT: &str = "x-test-account";

/// Lets everybody in.
struct Anyone;

impl Authenticator for Anyone {
    fn authenticate(&self, request: &SignedRequest<'_>) -> Result<Authenticated, AwsError> {
        let mut scope = Scope::default();
        if let Some(account) = request.headers.get(ACCOUNT) {
            scope.account = AccountId::parse(account.to_str().unwrap()).unwrap();
        }
        let caller = Caller {
            account: scope.account,
            arn: format!("arn:aws:iam::{}:root", scope.account),
            user_id: scope.account.to_string(),
            access_key: None,
            kind: CallerKind::Root,
        };
        Ok(Authenticated {
            scope,
            caller: Arc::new(caller),
            body: None,
        })
    }
}
