//! An init or an invocation as an exchange of frames.

use bytes::Bytes;
use hearth_runtime::frames::{BodyError, Frame, IncomingBody, Message, OutgoingBody, RuntimeError};
use hearth_types::limits;
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, sleep_until};

use crate::control::{Control, ControlError};
use crate::environment::Process;
use crate::failure::Failure;
use crate::journal::Journal;

/// What an exchange waits for.
pub(crate) enum Awaited {
    /// The end of an init.
    Claimed,
    /// The answer to an invocation.
    Response(Box<Call>),
}

/// One invocation under way: its event going out, its response coming in.
pub(crate) struct Call {
    request: u64,
    event: OutgoingBody,
    response: IncomingBody,
}

impl Call {
    /// Queues the invocation.
    pub(crate) fn start(request: u64, invoke: &Frame, payload: Bytes, control: &mut Control) -> Self {
        control.queue(invoke);
        let mut call = Self {
            request,
            event: OutgoingBody::new(request, payload),
            response: IncomingBody::new(limits::RUNTIME_PAYLOAD),
        };
        call.send(control);
        call
    }

    /// Queues as much of the event as the environment takes.
    fn send(&mut self, control: &mut Control) {
        for frame in self.event.by_ref() {
            control.queue(&frame);
        }
    }

    /// Takes a message in; the result, when it is complete.
    fn take(&mut self, message: Message, control: &mut Control) -> Result<Option<Bytes>, Failure> {
        match message {
            Message::Chunk { request, body } if request == self.request => {
                if let Some(more) = self.response.push(body)? {
                    control.queue(&Frame::credit(request, more));
                }
                Ok(None)
            }
            Message::Credit { request, bytes } if request == self.request => {
                self.event.grant(bytes);
                self.send(control);
                Ok(None)
            }
            Message::End(request) if request == self.request => {
                let empty = IncomingBody::new(limits::RUNTIME_PAYLOAD);
                Ok(Some(std::mem::replace(&mut self.response, empty).finish()))
            }
            Message::Error { request, error } if request == self.request => Err(error.into()),
            other => Err(unexpected(&other)),
        }
    }
}

impl Awaited {
    fn take(&mut self, message: Message, control: &mut Control) -> Result<Option<Bytes>, Failure> {
        match (self, message) {
            (Self::Response(call), message) => call.take(message, control),
            // The greeting of a bootstrap that nobody has waited for.
            (Self::Claimed, Message::Hello(_)) => Ok(None),
            (Self::Claimed, Message::Claimed(Ok(()))) => Ok(Some(Bytes::new())),
            (Self::Claimed, Message::Claimed(Err(error))) => Err(error.into()),
            (Self::Claimed, other) => Err(unexpected(&other)),
        }
    }
}

/// Runs an exchange to its end; meanwhile the log keeps flowing and the clock keeps running.
///
/// An environment that sends without a pause keeps neither the clock from being looked at nor a worker to itself.
pub(crate) async fn run(
    process: &mut Process,
    journal: &mut Journal,
    mut awaited: Awaited,
    deadline: Instant,
) -> Result<Bytes, Failure> {
    let clock = sleep_until(deadline);
    tokio::pin!(clock);
    let result = loop {
        consume_budget().await;
        let Process { control, output, .. } = process;
        tokio::select! {
            biased;
            message = control.receive() => {
                match message.map_err(Failure::from).and_then(|message| awaited.take(message, control)) {
                    Ok(None) if Instant::now() >= deadline => break Err(Failure::TimedOut),
                    Ok(None) => {}
                    Ok(Some(body)) => break Ok(body),
                    Err(failure) => break Err(failure),
                }
            }
            () = &mut clock => break Err(Failure::TimedOut),
            () = journal.handed_over(), if journal.is_behind() => {}
            () = output.readable(), if output.is_open() && !journal.is_behind() => output.read(journal),
        }
    };
    let result = match result {
        Err(Failure::Closed) => Err(Failure::Exited(process.ended().await)),
        other => other,
    };
    process.output.drain(journal);
    result
}

impl From<RuntimeError> for Failure {
    fn from(error: RuntimeError) -> Self {
        Self::Reported {
            error_type: error.error_type,
            body: error.body,
        }
    }
}

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Closed => Self::Closed,
            other => Self::Protocol(other.to_string()),
        }
    }
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge(_) => Self::ResponseTooLarge,
            BodyError::Credit => Self::Protocol(error.to_string()),
        }
    }
}

fn unexpected(message: &Message) -> Failure {
    let kind = match message {
        Message::Hello(_) => "hello",
        Message::Ping(_) => "ping",
        Message::Claimed(_) => "claimed",
        Message::Chunk { .. } => "chunk",
        Message::End(_) => "end",
        Message::Error { .. } => "error",
        Message::Credit { .. } => "credit",
    };
    Failure::Protocol(format!("the runtime sent an unexpected {kind} frame"))
}
