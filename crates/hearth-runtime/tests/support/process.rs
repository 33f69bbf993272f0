//! A running bootstrap, and the server's side of its socket.

use std::collections::BTreeMap;
use std::io::{PipeReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use hearth_runtime::frames::{Claim, CognitoIdentity, Frame, FrameBuffer, Invoke, Message, OutgoingBody};
use hearth_runtime::{LogSplitter, environment};
use hearth_types::Places;

use super::case::Event;
use super::collected::Collected;
use super::scene::request_id;
use super::{Answer, Scene};

/// A bootstrap that says nothing for so long hangs.
const PATIENCE: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(60);

/// How an environment comes to its function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Start {
    /// It waits and rehearses, then learns its variables. It prepares itself.
    Ready,
    /// The same without a wait, and prepared by another.
    Now,
    /// Its interpreter is started with the variables, and prepared by another.
    Deferred,
}

/// A bootstrap as a child process.
pub(crate) struct Process {
    child: Child,
    socket: UnixStream,
    buffer: FrameBuffer,
    /// Length of the pieces that frames are written in.
    piece: usize,
    log: Option<JoinHandle<Vec<String>>>,
}

impl Process {
    /// Starts the interpreter with what another has `prepared` and waits for its hello. What it prepares itself takes the
    /// place of that.
    pub(crate) fn start(
        scene: &Scene,
        start: Start,
        variables: &BTreeMap<String, String>,
        prepared: &mut Bytes,
    ) -> Self {
        let (socket, theirs) = UnixStream::pair().unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let (log, output) = std::io::pipe().unwrap();
        let initial = environment::initial(scene.interpreter.family, &Places::WALLED);
        // The shell puts the socket where the bootstrap expects it.
        let child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 0</dev/null"])
            .arg(&scene.interpreter.executable)
            .args(scene.arguments())
            .env_clear()
            .envs(if start == Start::Deferred {
                variables
            } else {
                &initial
            })
            .current_dir(if start == Start::Deferred {
                scene.task()
            } else {
                "/".into()
            })
            .stdin(OwnedFd::from(theirs))
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let log = Some(std::thread::spawn(move || read_log(log)));
        // A frame may come in pieces; the outcome must not depend on it.
        let piece = if start == Start::Ready { usize::MAX } else { 4099 };
        let mut process = Self {
            piece,
            child,
            socket,
            buffer: FrameBuffer::new(),
            log,
        };
        if scene.interpreter.family.prepares() {
            process.send(&Frame::prepared(prepared.clone()));
        }
        let mut next = process.receive();
        if let Some(Message::Prepared(own)) = next {
            *prepared = own;
            next = process.receive();
        }
        match next {
            Some(Message::Hello(hello)) => assert_eq!(hello.runtime, scene.interpreter.family.to_string()),
            other => panic!("{other:?} instead of a hello"),
        }
        process
    }

    /// Gives the process its function.
    pub(crate) fn claim(
        &mut self,
        handler: &str,
        variables: Option<&BTreeMap<String, String>>,
        task: &Path,
    ) -> Answer {
        let task_root = &task.display().to_string();
        self.send(&Frame::claim(&Claim {
            handler,
            environment: variables,
            task_root,
            layers_root: "/opt",
        }));
        match self.receive() {
            Some(Message::Claimed(Ok(()))) => Answer::Claimed,
            Some(Message::Claimed(Err(error))) => error.into(),
            None => Answer::Ended,
            other => panic!("{other:?} in answer to a claim"),
        }
    }

    /// Runs one invocation.
    pub(crate) fn invoke(&mut self, request: u64, event: &Event) -> Answer {
        let cognito = CognitoIdentity {
            cognito_identity_id: "id",
            cognito_identity_pool_id: "pool",
        };
        let deadline = (SystemTime::now() + TIMEOUT).duration_since(UNIX_EPOCH).unwrap();
        self.send(&Frame::invoke(
            request,
            &Invoke {
                request_id: &request_id(request),
                deadline_ms: deadline.as_millis() as i64,
                invoked_function_arn: "arn:aws:lambda:us-east-1:000000000000:function:case",
                trace_id: event.trace_id.as_deref(),
                client_context: event.client_context.as_deref(),
                cognito_identity: event.cognito.then_some(cognito),
            },
        ));
        self.exchange(request, OutgoingBody::new(request, event.body().into()))
    }

    /// Sends the event and takes the answer, both as far as the credit goes.
    fn exchange(&mut self, request: u64, mut event: OutgoingBody) -> Answer {
        let mut response = Collected::default();
        loop {
            for frame in event.by_ref() {
                self.send(&frame);
            }
            match self.receive() {
                Some(Message::Credit { bytes, .. }) => event.grant(bytes),
                Some(Message::Stream {
                    request: of,
                    content_type,
                }) if of == request => response.announce(content_type),
                Some(Message::Chunk { request: of, body }) if of == request => {
                    if let Some(bytes) = response.push(body) {
                        self.send(&Frame::credit(request, bytes));
                    }
                }
                Some(Message::End(of)) if of == request => {
                    if let Some(answer) = response.end() {
                        return answer;
                    }
                }
                Some(Message::Done(of)) if of == request => return response.done(),
                Some(Message::Error { request: of, error }) if of == request => return response.fail(error),
                None => return Answer::Ended,
                other => panic!("{other:?} during invocation {request}"),
            }
        }
    }

    /// Sends a ping and waits for its echo. `false` if the process has ended.
    pub(crate) fn ping(&mut self) -> bool {
        let payload = Bytes::from_static(b"are you there?");
        self.send(&Frame::ping(payload.clone()));
        match self.receive() {
            Some(Message::Ping(echo)) => echo == payload,
            None => false,
            other => panic!("{other:?} in answer to a ping"),
        }
    }

    /// Ends the process. Gives how it ended, if it did before, and its log.
    pub(crate) fn finish(mut self) -> (Option<String>, Vec<String>) {
        let alive = self.ping();
        self.socket.shutdown(std::net::Shutdown::Both).unwrap();
        let status = self.child.wait().unwrap();
        let log = self.log.take().unwrap().join().unwrap();
        ((!alive).then(|| describe(status)), log)
    }

    /// The process may be gone; then there is nothing to receive.
    fn send(&mut self, frame: &Frame) {
        let mut bytes = BytesMut::new();
        frame.put(&mut bytes);
        let (header, payload) = bytes.split_at(5);
        for piece in std::iter::once(header).chain(payload.chunks(self.piece)) {
            let _ = self.socket.write_all(piece);
        }
    }

    fn receive(&mut self) -> Option<Message> {
        loop {
            if let Some(frame) = self.buffer.next_frame().unwrap() {
                return Some(Message::decode(frame).unwrap());
            }
            let mut bytes = [0; 65536];
            match self.socket.read(&mut bytes) {
                Ok(0) => return None,
                Ok(length) => self.buffer.push(&bytes[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("nothing from the bootstrap: {error}"),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Has an effect only when a test failed before the process was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, signal) => format!("signal {}", signal.unwrap_or_default()),
    }
}

fn read_log(mut log: PipeReader) -> Vec<String> {
    let mut splitter = LogSplitter::new();
    let mut events = Vec::new();
    let mut bytes = [0; 65536];
    while let Ok(length @ 1..) = log.read(&mut bytes) {
        splitter.push(&bytes[..length], SystemTime::now(), &mut events);
    }
    events.extend(splitter.flush(SystemTime::now()));
    events.into_iter().map(|event| event.message).collect()
}
