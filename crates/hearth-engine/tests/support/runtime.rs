//! A stand-in for a runtime: it speaks the frame protocol, and does what it is told.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hearth_runtime::frames::{Frame, FrameBuffer, INITIAL_CREDIT, Kind, OutgoingBody};
use hearth_sandbox::ExitStatus;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UnixStream};

pub(super) struct Runtime {
    pub(super) stream: UnixStream,
    pub(super) buffer: FrameBuffer,
    pub(super) log: std::io::PipeWriter,
    pub(super) invocations: u64,
    pub(super) streamed: Arc<AtomicU64>,
    pub(super) heard: Arc<Mutex<String>>,
    pub(super) deferred: bool,
    pub(super) given: Arc<Mutex<Vec<Bytes>>>,
}

type Ended = (ExitStatus, bool);
const KILLED: Ended = (ExitStatus::Signal(9), false);

impl Runtime {
    pub(super) async fn live(mut self) -> Ended {
        if self.deferred {
            let length = self.stream.read_u32().await.unwrap();
            let mut block = vec![0; length as usize];
            self.stream.read_exact(&mut block).await.unwrap();
            if String::from_utf8(block).unwrap().contains("LD_PRELOAD=hang") {
                std::future::pending::<()>().await;
            }
        }
        self.prepare().await;
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
                    if claim["handler"] == "init.extension" {
                        let api = claim["environment"]["AWS_LAMBDA_RUNTIME_API"].as_str().unwrap();
                        register(api, Arc::clone(&self.heard)).await;
                    }
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

    /// Takes what another has prepared, or prepares how it was started.
    async fn prepare(&mut self) {
        let Some(given) = self.next().await else { return };
        assert_eq!(given.kind, Kind::Prepared);
        if given.payload.is_empty() {
            let own = if self.deferred { "deferred" } else { "ready" };
            self.send(Kind::Prepared, 0, own.into()).await;
        }
        self.given.lock().unwrap().push(given.payload);
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

/// Registers an internal extension, which subscribes to telemetry and waits for events that do not come.
async fn register(api: &str, heard: Arc<Mutex<String>>) {
    let mut stream = TcpStream::connect(api).await.unwrap();
    let path = "/2020-01-01/extension/register";
    let answer = ask(
        &mut stream,
        "POST",
        path,
        "lambda-extension-name: inner",
        r#"{"events":[]}"#,
    )
    .await;
    let own = answer
        .lines()
        .find(|line| line.starts_with("Lambda-Extension-Identifier:"))
        .expect(&answer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            heard.lock().unwrap().push_str(&line);
        }
    });
    let subscription = json!({
        "schemaVersion": "2022-12-13",
        "types": ["platform", "function"],
        "buffering": {"timeoutMs": 25},
        "destination": {"protocol": "TCP", "port": port},
    });
    let path = "/2022-07-01/telemetry";
    let answer = ask(&mut stream, "PUT", path, own, &subscription.to_string()).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let request = format!("GET /2020-01-01/extension/event/next HTTP/1.1\r\nhost: api\r\n{own}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    tokio::spawn(async move { stream.read_to_end(&mut Vec::new()).await });
}

/// Sends a request with one header; its answer.
async fn ask(stream: &mut TcpStream, method: &str, path: &str, header: &str, body: &str) -> String {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: api\r\n{header}\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Either an object or a string.
    while !answer.ends_with(b"}") && !answer.ends_with(b"\"") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
    }
    String::from_utf8(answer).unwrap()
}

fn error(kind: &str, body: &[u8]) -> Bytes {
    [&(kind.len() as u16).to_be_bytes()[..], kind.as_bytes(), body]
        .concat()
        .into()
}
