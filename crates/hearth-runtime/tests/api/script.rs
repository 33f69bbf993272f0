//! Scripts of `cases/runtime-api`; its README says what is in them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hearth_runtime::api::{ApiInvocation, InitFailure, Machine, Reply, RuntimeApi, ShutdownReason};
use hearth_types::RequestId;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame};
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything takes that does not wait.
const SOON: Duration = Duration::from_secs(10);
/// How long something must stay unanswered that waits.
const A_WHILE: Duration = Duration::from_millis(20);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Step {
    Request(Box<Sent>),
    Answered {
        answered: String,
        expect: Option<Expected>,
    },
    Invoke {
        invoke: Invoked,
    },
    Replies {
        replies: Vec<String>,
    },
    Init {
        init: String,
    },
    Settled {
        settled: bool,
    },
    Launching {
        launching: bool,
    },
    Launched {
        launched: String,
    },
    Shutdown {
        shutdown: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    request: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    size: Option<usize>,
    chunks: Option<Vec<String>>,
    trailers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    keep: BTreeMap<String, String>,
    waits: Option<String>,
    expect: Option<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    body: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invoked {
    id: String,
    payload: String,
    trace: Option<String>,
    client_context: Option<String>,
}

type Pending = JoinHandle<(u16, HeaderMap, Bytes)>;

struct Scene {
    name: String,
    api: RuntimeApi,
    waiting: HashMap<String, Pending>,
    kept: HashMap<String, String>,
    replies: Option<JoinHandle<Vec<String>>>,
}

pub(crate) async fn run(name: &str, script: Script, api: RuntimeApi) {
    let mut scene = Scene {
        name: name.to_owned(),
        api,
        waiting: HashMap::new(),
        kept: HashMap::new(),
        replies: None,
    };
    for (number, step) in script.steps.into_iter().enumerate() {
        scene.name = format!("{name}, step {}", number + 1);
        scene.step(step).await;
    }
}

impl Scene {
    async fn step(&mut self, step: Step) {
        match step {
            Step::Request(sent) => self.send(*sent).await,
            Step::Answered { answered, expect } => {
                let request = self.waiting.remove(&answered).expect("a waiting request");
                let answer = timeout(SOON, request).await.expect("it is answered").unwrap();
                self.check(answer, expect);
            }
            Step::Invoke { invoke } => {
                let mut replies = self.api.invoke(ApiInvocation {
                    id: RequestId::parse(&invoke.id).unwrap(),
                    payload: invoke.payload.into(),
                    deadline_ms: 1_700_000_000_000,
                    invoked_arn: "arn:aws:lambda:us-east-1:000000000000:function:f".to_owned(),
                    trace: invoke.trace,
                    client_context: invoke.client_context,
                    cognito_identity: None,
                });
                self.replies = Some(tokio::spawn(async move {
                    let mut taken = Vec::new();
                    while let Some(reply) = replies.recv().await {
                        taken.push(describe(&reply));
                    }
                    taken
                }));
            }
            Step::Replies { replies } => self.check_replies(replies).await,
            Step::Init { init } => self.check_init(&init).await,
            Step::Settled { settled } => {
                assert_eq!(self.api.look(Machine::is_settled), settled, "{}", self.name)
            }
            Step::Launching { launching } => self.api.change(|machine| match launching {
                true => machine.expect_extensions(),
                false => machine.all_launched(),
            }),
            Step::Launched { launched } => self.api.change(|machine| machine.launched(&launched, None)),
            Step::Shutdown { shutdown } => {
                let reasons = [
                    ShutdownReason::Spindown,
                    ShutdownReason::Timeout,
                    ShutdownReason::Failure,
                ];
                let reason = reasons.into_iter().find(|reason| reason.as_str() == shutdown);
                self.api.shut_down(reason.expect("a reason"), 1_700_000_002_000);
            }
        }
    }

    async fn send(&mut self, sent: Sent) {
        let (keep, waits, expect) = (sent.keep.clone(), sent.waits.clone(), sent.expect);
        let request = self.request(Sent { expect: None, ..sent });
        let api = self.api.clone();
        let mut pending = tokio::spawn(async move {
            let (client, server) = tokio::io::duplex(1 << 16);
            let served = tokio::spawn(async move { api.serve(server).await });
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(client))
                .await
                .unwrap();
            let driven = tokio::spawn(connection);
            let response = sender.send_request(request).await.unwrap();
            let (head, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            drop(sender);
            driven.await.unwrap().unwrap();
            served.await.unwrap();
            (head.status.as_u16(), head.headers, body)
        });
        match waits {
            Some(name) => {
                let early = timeout(A_WHILE, &mut pending).await;
                assert!(early.is_err(), "{}: it is answered already: {early:?}", self.name);
                self.waiting.insert(name, pending);
            }
            None => {
                let answer = timeout(SOON, pending).await.expect("it is answered").unwrap();
                for (header, name) in keep {
                    let value = answer.1[header.as_str()].to_str().unwrap().to_owned();
                    self.kept.insert(name, value);
                }
                self.check(answer, expect);
            }
        }
    }

    fn request(&self, sent: Sent) -> Request<BoxBody<Bytes, Infallible>> {
        let (method, path) = sent.request.split_once(' ').expect("method and path");
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "runtime");
        for (name, value) in &sent.headers {
            let kept = value.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
            request = request.header(name, kept.map_or(value, |name| &self.kept[name]));
        }
        let body = match (sent.chunks, sent.size) {
            (Some(chunks), _) => {
                let mut frames: Vec<_> = chunks
                    .into_iter()
                    .map(|chunk| Frame::data(chunk.into()))
                    .collect();
                if let Some(trailers) = sent.trailers {
                    let entries = trailers.iter().map(|(name, value)| (name.clone(), value.clone()));
                    let trailers = HeaderMap::try_from(&entries.collect::<HashMap<_, _>>()).unwrap();
                    frames.push(Frame::trailers(trailers));
                }
                Frames(frames.into()).boxed()
            }
            (None, Some(size)) => Full::new(vec![b'x'; size].into()).boxed(),
            (None, None) => Full::new(sent.body.into()).boxed(),
        };
        request.body(body).unwrap()
    }

    fn check(&self, (status, headers, body): (u16, HeaderMap, Bytes), expect: Option<Expected>) {
        let Some(expect) = expect else {
            assert!(status < 300, "{}: {status}", self.name);
            return;
        };
        let text = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(status, expect.status, "{}: {text}", self.name);
        for (name, wanted) in expect.headers {
            let value = headers.get(&name).map(|value| value.to_str().unwrap());
            match wanted.as_deref() {
                Some("*") => assert!(value.is_some(), "{}: no {name}", self.name),
                wanted => assert_eq!(value, wanted, "{}: {name}", self.name),
            }
        }
        match expect.body {
            None => {}
            Some(Value::String(wanted)) => assert_eq!(text, wanted, "{}", self.name),
            Some(wanted) => {
                let found: Value = serde_json::from_str(&text).expect("the answer is JSON");
                assert_eq!(found, wanted, "{}", self.name);
            }
        }
    }

    async fn check_replies(&mut self, wanted: Vec<String>) {
        let replies = self.replies.take().expect("an invocation");
        let replies = timeout(SOON, replies).await.expect("the last reply").unwrap();
        assert_eq!(replies, wanted, "{}", self.name);
    }

    async fn check_init(&self, wanted: &str) {
        let found = match timeout(A_WHILE, self.api.initialized()).await {
            Err(_) => "waiting".to_owned(),
            Ok(Ok(())) => "done".to_owned(),
            Ok(Err(InitFailure::Reported(error))) => format!("failed {}", error.error_type),
            Ok(Err(InitFailure::Extension(info))) => {
                format!("failed {}", info.error_type.unwrap_or_default())
            }
        };
        assert_eq!(found, wanted, "{}", self.name);
    }
}

fn describe(reply: &Reply) -> String {
    match reply {
        Reply::Streams { content_type } => format!("streams {content_type}"),
        Reply::Chunk(bytes) if bytes.len() > 1000 => format!("chunk {} bytes", bytes.len()),
        Reply::Chunk(bytes) => format!("chunk {}", String::from_utf8_lossy(bytes)),
        Reply::End => "end".to_owned(),
        Reply::Failed(error) => {
            format!(
                "failed {} {}",
                error.error_type,
                String::from_utf8_lossy(&error.body)
            )
        }
        Reply::TooLarge => "too large".to_owned(),
        Reply::Truncated => "truncated".to_owned(),
    }
}

/// A chunked body.
struct Frames(VecDeque<Frame<Bytes>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}
