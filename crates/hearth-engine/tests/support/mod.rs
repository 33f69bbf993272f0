//! A stand-in for sandbox and runtime: environments are tasks that speak the frame protocol.
#![allow(dead_code, reason = "each suite uses a part of it")]

use std::collections::HashMap;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hearth_engine::{
    Api, CredentialSource, Endpoint, Engine, EngineOptions, Function, FunctionSpec, Invocation, Layers,
    LogBatch, LogSink, RuntimeChoice, SessionVariables,
};
use hearth_runtime::frames::{Frame, FrameBuffer, INITIAL_CREDIT, Kind, OutgoingBody};
use hearth_sandbox::{
    BootRequest, Booted, BoxFuture, ClaimRequest, Exit, ExitStatus, MemoryGauge, RuntimeIndex, Sandbox,
    SandboxError, Start,
};
use hearth_types::{
    AccountId, CodeHash, EnvironmentId, FunctionArn, FunctionName, NetworkPolicy, Qualifier, Region,
    RequestId, Scope,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

/// Boots environments whose runtime does what the event says: see [`Runtime::answer`].
#[derive(Default)]
pub(crate) struct FakeSandbox {
    next: AtomicU64,
    pub(crate) boots: AtomicUsize,
    pub(crate) claims: AtomicUsize,
    /// How long a boot takes, in milliseconds.
    pub(crate) boot_ms: AtomicU64,
    /// Bytes of streamed responses that environments have sent.
    pub(crate) streamed: Arc<AtomicU64>,
    live: Arc<Mutex<HashMap<u64, Live>>>,
}

struct Live {
    task: AbortHandle,
    exit: Option<oneshot::Sender<Exit>>,
}

impl FakeSandbox {
    /// Environments that have not ended.
    pub(crate) fn live(&self) -> usize {
        self.live.lock().unwrap().len()
    }
}

fn end(live: &Mutex<HashMap<u64, Live>>, id: u64, status: ExitStatus, out_of_memory: bool) {
    let Some(mut environment) = live.lock().unwrap().remove(&id) else {
        return;
    };
    environment.task.abort();
    let exit = Exit {
        status,
        out_of_memory,
        peak_memory_bytes: 50 << 20,
        cpu: Duration::ZERO,
    };
    let _ = environment
        .exit
        .take()
        .expect("an environment ends once")
        .send(exit);
}

impl Sandbox for FakeSandbox {
    fn boot(&self, request: BootRequest) -> BoxFuture<'_, Result<Booted, SandboxError>> {
        self.boots.fetch_add(1, Ordering::SeqCst);
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        let (server, environment) = StdStream::pair().unwrap();
        let (output, log) = std::io::pipe().unwrap();
        environment.set_nonblocking(true).unwrap();
        let live = Arc::clone(&self.live);
        let runtime = Runtime {
            stream: UnixStream::from_std(environment).unwrap(),
            buffer: FrameBuffer::new(),
            log,
            invocations: 0,
            streamed: Arc::clone(&self.streamed),
            deferred: request.start == Start::Deferred,
        };
        let (exit, ended) = oneshot::channel();
        let task = tokio::spawn(async move {
            let (status, out_of_memory) = runtime.live().await;
            end(&live, id, status, out_of_memory);
        });
        self.live.lock().unwrap().insert(
            id,
            Live {
                task: task.abort_handle(),
                exit: Some(exit),
            },
        );
        let takes = Duration::from_millis(self.boot_ms.load(Ordering::SeqCst));
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            Ok(Booted {
                id: EnvironmentId(id),
                control: OwnedFd::from(server),
                output: OwnedFd::from(output),
                memory: MemoryGauge::fixed(30 << 20),
                listener: None,
                exit: ended,
            })
        })
    }

    fn claim(&self, _: EnvironmentId, _: ClaimRequest) -> BoxFuture<'_, Result<(), SandboxError>> {
        self.claims.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    }

    fn kill(&self, id: EnvironmentId) {
        end(&self.live, id.0, ExitStatus::Signal(9), false);
    }
}

struct Runtime {
    stream: UnixStream,
    buffer: FrameBuffer,
    log: std::io::PipeWriter,
    invocations: u64,
    streamed: Arc<AtomicU64>,
    deferred: bool,
}

type Ended = (ExitStatus, bool);
const KILLED: Ended = (ExitStatus::Signal(9), false);

impl Runtime {
    async fn live(mut self) -> Ended {
        if self.deferred {
            let length = self.stream.read_u32().await.unwrap();
            let mut block = vec![0; length as usize];
            self.stream.read_exact(&mut block).await.unwrap();
            if String::from_utf8(block).unwrap().contains("LD_PRELOAD=hang") {
                std::future::pending::<()>().await;
            }
        }
        let hello = json!({"runtime": "python", "version": "3.11.7", "pid": 2});
        self.send(Kind::Hello, 0, hello.to_string().into()).await;
        loop {
            let Some(frame) = self.next().await else {
                return KILLED;
            };
            match frame.kind {
                Kind::Ping => self.send(Kind::Ping, 0, frame.payload).await,
                Kind::Claim => {
                    let claim: Value = serde_json::from_slice(&frame.payload).unwrap();
                    if let Some(ended) = self.init(claim["handler"].as_str().unwrap()).await {
                        return ended;
                    }
                }
                Kind::Invoke => {
                    if let Some(ended) = self.invoke(frame.request).await {
                        return ended;
                    }
                }
                _ => {}
            }
        }
    }

    async fn init(&mut self, handler: &str) -> Option<Ended> {
        match handler {
            "init.hang" => std::future::pending().await,
            "init.exit" => return Some((ExitStatus::Code(3), false)),
            "init.fail" => {
                self.print("loading\n");
                let body = br#"{"errorMessage":"no","errorType":"Exception"}"#;
                self.send(Kind::Claimed, 0, error("Runtime.ImportModuleError", body))
                    .await;
            }
            _ => self.send(Kind::Claimed, 0, Bytes::new()).await,
        }
        None
    }

    async fn invoke(&mut self, request: u64) -> Option<Ended> {
        let mut event = Vec::new();
        let mut taken = 0;
        loop {
            let frame = self.next().await?;
            match frame.kind {
                Kind::Chunk => {
                    taken += frame.payload.len() as u32;
                    event.extend_from_slice(&frame.payload);
                    if taken >= 512 * 1024 {
                        let more = Bytes::copy_from_slice(&taken.to_be_bytes());
                        self.send(Kind::Credit, request, more).await;
                        taken = 0;
                    }
                }
                Kind::End => break,
                _ => return Some((ExitStatus::Code(99), false)),
            }
        }
        self.invocations += 1;
        self.answer(request, event).await
    }

    /// `{"do": …}` says how the invocation ends; without it the event comes back.
    async fn answer(&mut self, request: u64, event: Vec<u8>) -> Option<Ended> {
        let wish: Value = serde_json::from_slice(&event).unwrap();
        match wish["do"].as_str().unwrap_or_default() {
            "print" => {
                self.print(wish["text"].as_str().unwrap());
                self.respond(request, Bytes::from_static(b"null")).await;
            }
            "sleep" => {
                tokio::time::sleep(Duration::from_millis(wish["ms"].as_u64().unwrap())).await;
                self.respond(request, event.into()).await;
            }
            "hang" => std::future::pending().await,
            "raise" => {
                let body = br#"{"errorMessage":"wrong","errorType":"ValueError"}"#;
                self.send(Kind::Error, request, error("ValueError", body)).await;
            }
            "exit" => {
                self.print("going");
                return Some((ExitStatus::Code(wish["code"].as_i64().unwrap_or(0) as i32), false));
            }
            "oom" => return Some((ExitStatus::Signal(9), true)),
            "garbage" => self.stream.write_all(&[0xff; 64]).await.unwrap(),
            "foreign" => self.send(Kind::End, request + 1, Bytes::new()).await,
            "flood" => {
                for _ in 0..64 {
                    self.send(Kind::Chunk, request, vec![b' '; 128 * 1024].into())
                        .await;
                }
            }
            "babble" => {
                // Nobody else runs meanwhile, so all of it is there at once.
                std::thread::sleep(Duration::from_millis(wish["ms"].as_u64().unwrap()));
                let mut bytes = Vec::new();
                let frame = |kind| Frame {
                    kind,
                    request,
                    payload: Bytes::new(),
                };
                (0..10_000).for_each(|_| frame(Kind::Chunk).put(&mut bytes));
                frame(Kind::End).put(&mut bytes);
                let _ = self.stream.write_all(&bytes).await;
            }
            "large" => {
                let size = wish["size"].as_u64().unwrap() as usize;
                self.respond(request, vec![b'1'; size].into()).await;
            }
            "stream" => return self.stream(request, &wish).await,
            "done" => self.send(Kind::Done, request, Bytes::new()).await,
            "stream_on" => {
                for kind in [Kind::Stream, Kind::End, Kind::Chunk] {
                    let payload = if kind == Kind::End { "" } else { "text/plain" };
                    self.send(kind, request, payload.into()).await;
                }
            }
            "stream_late" => {
                for kind in [Kind::Chunk, Kind::Stream] {
                    self.send(kind, request, "text/plain".into()).await;
                }
            }
            "stream_twice" => {
                self.send(Kind::Stream, request, Bytes::from_static(b"text/plain"))
                    .await;
                self.send(Kind::Stream, request, Bytes::from_static(b"text/plain"))
                    .await;
            }
            "count" => {
                let count = self.invocations.to_string();
                self.respond(request, count.into()).await;
            }
            _ => self.respond(request, event.into()).await,
        }
        None
    }

    /// Sends a response as far as credit allows, waiting for more.
    async fn respond(&mut self, request: u64, body: Bytes) {
        let mut body = OutgoingBody::new(request, body);
        loop {
            for frame in body.by_ref().collect::<Vec<_>>() {
                self.send(frame.kind, frame.request, frame.payload).await;
            }
            if body.is_finished() {
                return;
            }
            let Some(frame) = self.next().await else { return };
            assert_eq!(frame.kind, Kind::Credit);
            body.grant(u32::from_be_bytes(frame.payload[..].try_into().unwrap()));
        }
    }

    /// Streams `chunks` chunks of `size` bytes as far as credit allows, with pauses of `ms` milliseconds, and then
    /// does what `then` says.
    async fn stream(&mut self, request: u64, wish: &Value) -> Option<Ended> {
        let number = |name: &str| wish[name].as_u64().unwrap_or_default();
        let size = number("size");
        let mut credit = u64::from(INITIAL_CREDIT);
        self.send(Kind::Stream, request, Bytes::from_static(b"text/plain"))
            .await;
        for count in 0..number("chunks") {
            while credit < size {
                let frame = self.next().await?;
                assert_eq!(frame.kind, Kind::Credit);
                credit += u64::from(u32::from_be_bytes(frame.payload[..].try_into().unwrap()));
            }
            credit -= size;
            let letter = b'a' + (count % 26) as u8;
            self.send(Kind::Chunk, request, vec![letter; size as usize].into())
                .await;
            self.streamed.fetch_add(size, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(number("ms"))).await;
        }
        match wish["then"].as_str().unwrap_or_default() {
            "raise" => {
                let body = br#"{"errorMessage":"wrong","errorType":"ValueError"}"#;
                self.send(Kind::Error, request, error("ValueError", body)).await;
            }
            "hang" => std::future::pending().await,
            "exit" => return Some((ExitStatus::Code(7), false)),
            "oom" => return Some((ExitStatus::Signal(9), true)),
            "linger" => {
                self.send(Kind::End, request, Bytes::new()).await;
                std::future::pending().await
            }
            _ => {
                self.send(Kind::End, request, Bytes::new()).await;
                self.send(Kind::Done, request, Bytes::new()).await;
            }
        }
        None
    }

    fn print(&mut self, text: &str) {
        self.log.write_all(text.as_bytes()).unwrap();
    }

    async fn send(&mut self, kind: Kind, request: u64, payload: Bytes) {
        let mut bytes = Vec::new();
        Frame {
            kind,
            request,
            payload,
        }
        .put(&mut bytes);
        let _ = self.stream.write_all(&bytes).await;
    }

    async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.buffer.next_frame().unwrap() {
                return Some(frame);
            }
            if self.stream.read_buf(self.buffer.space()).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }
}

fn error(kind: &str, body: &[u8]) -> Bytes {
    [&(kind.len() as u16).to_be_bytes()[..], kind.as_bytes(), body]
        .concat()
        .into()
}

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

/// An engine on a [`FakeSandbox`].
pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) sandbox: Arc<FakeSandbox>,
    pub(crate) log: Arc<Collected>,
}

impl Stage {
    pub(crate) fn new(change: impl FnOnce(&mut EngineOptions)) -> Self {
        let mut options = EngineOptions {
            ready_environments: 0,
            memory_reserve_mb: 0,
            ..EngineOptions::default()
        };
        change(&mut options);
        let (sandbox, log) = (Arc::new(FakeSandbox::default()), Arc::new(Collected::default()));
        let engine = Engine::new(
            options,
            Arc::clone(&sandbox) as Arc<dyn Sandbox>,
            Arc::new(NoCredentials),
            Arc::new(NoApi),
            Arc::clone(&log) as Arc<dyn LogSink>,
        );
        Self { engine, sandbox, log }
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
