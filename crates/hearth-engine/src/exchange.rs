//! An init or an invocation as an exchange of frames.

use bytes::Bytes;
use hearth_runtime::frames::{BodyError, CreditWindow, Frame, Message, OutgoingBody, RuntimeError};
use tokio::task::coop::consume_budget;
use tokio::time::Instant;

use crate::control::{Control, ControlError};
use crate::environment::Process;
use crate::failure::Failure;
use crate::journal::Journal;
use crate::response::Response;

/// What an exchange waits for.
pub(crate) enum Awaited<'a> {
    /// The end of an init.
    Claimed,
    /// The answer to an invocation.
    Response(Box<Call<'a>>),
}

/// One invocation under way: its event going out, its response coming in.
pub(crate) struct Call<'a> {
    request: u64,
    event: OutgoingBody,
    window: CreditWindow,
    response: &'a mut Response,
}

impl<'a> Call<'a> {
    /// Queues the invocation.
    pub(crate) fn start(
        request: u64,
        invoke: &Frame,
        payload: Bytes,
        response: &'a mut Response,
        control: &mut Control,
    ) -> Self {
        control.queue(invoke);
        let mut call = Self {
            request,
            event: OutgoingBody::new(request, payload),
            window: CreditWindow::new(),
            response,
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

    /// Grants what the environment may send, now that there is room for it.
    fn grant(&mut self, control: &mut Control) {
        if let Some(more) = self.window.reopen() {
            control.queue(&Frame::credit(self.request, more));
        }
    }

    /// Takes a message in; whether the invocation is over.
    fn take(&mut self, message: Message, control: &mut Control) -> Result<bool, Failure> {
        match message {
            Message::Stream {
                request,
                content_type,
            } if request == self.request => {
                self.response.announce(content_type)?;
                Ok(false)
            }
            Message::Chunk { request, body } if request == self.request => {
                self.window.spend(body.len())?;
                self.response.push(body)?;
                if !self.response.is_full() {
                    self.grant(control);
                }
                Ok(false)
            }
            Message::Credit { request, bytes } if request == self.request => {
                self.event.grant(bytes);
                self.send(control);
                Ok(false)
            }
            Message::End(request) if request == self.request => {
                self.response.end()?;
                Ok(!self.response.is_streamed())
            }
            Message::Done(request) if request == self.request && self.response.has_ended() => Ok(true),
            Message::Error { request, error } if request == self.request => Err(error.into()),
            other => Err(unexpected(&other)),
        }
    }
}

impl Awaited<'_> {
    /// Takes a message in; whether it was the last one.
    fn take(&mut self, message: Message, control: &mut Control) -> Result<bool, Failure> {
        match (self, message) {
            (Self::Response(call), message) => call.take(message, control),
            // The greeting of a bootstrap that nobody has waited for. The function's code may have run before it, so what
            // it has prepared is for nobody else.
            (Self::Claimed, Message::Hello(_) | Message::Prepared(_)) => Ok(false),
            (Self::Claimed, Message::Claimed(Ok(()))) => Ok(true),
            (Self::Claimed, Message::Claimed(Err(error))) => Err(error.into()),
            (Self::Claimed, other) => Err(unexpected(&other)),
        }
    }

    /// The next message, once there is room for what came before. Cancelling loses nothing.
    async fn next(&mut self, control: &mut Control) -> Result<Message, ControlError> {
        if let Self::Response(call) = self
            && call.response.is_full()
        {
            call.response.room().await;
            call.grant(control);
        }
        control.receive().await
    }
}

/// Runs an exchange to its end; meanwhile the log keeps flowing and the clock keeps running.
///
/// An environment that sends without a pause keeps neither the clock from being looked at nor a worker to itself. One
/// that sends more than the client takes is not listened to meanwhile.
pub(crate) async fn run(
    process: &mut Process,
    journal: &mut Journal,
    mut awaited: Awaited<'_>,
    deadline: Instant,
) -> Result<(), Failure> {
    let result = loop {
        consume_budget().await;
        let due = journal.due(deadline);
        let Process {
            control,
            output,
            clock,
            ..
        } = process;
        tokio::select! {
            biased;
            message = awaited.next(control) => {
                match message.map_err(Failure::from).and_then(|message| awaited.take(message, control)) {
                    Ok(true) => break Ok(()),
                    Ok(false) if Instant::now() >= deadline => break Err(Failure::TimedOut),
                    Ok(false) => {}
                    Err(failure) => break Err(failure),
                }
            }
            () = clock.reach(due) => if journal.is_over(deadline) {
                break Err(Failure::TimedOut);
            },
            () = journal.handed_over(), if journal.is_behind() => {}
            () = output.readable(), if output.is_open() && !journal.is_behind() => output.read(journal),
        }
    };
    let result = match result {
        Err(Failure::Closed) => {
            let exit = process.ended().await;
            Err(process.ending.behind(Failure::Exited(exit)).await)
        }
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
            BodyError::TooLarge(limit) => Self::ResponseTooLarge(limit as u64),
            BodyError::Credit => Self::Protocol(error.to_string()),
        }
    }
}

fn unexpected(message: &Message) -> Failure {
    let kind = match message {
        Message::Hello(_) => "hello",
        Message::Ping(_) => "ping",
        Message::Prepared(_) => "prepared",
        Message::Claimed(_) => "claimed",
        Message::Stream { .. } => "stream",
        Message::Chunk { .. } => "chunk",
        Message::End(_) => "end",
        Message::Done(_) => "done",
        Message::Error { .. } => "error",
        Message::Credit { .. } => "credit",
    };
    Failure::Protocol(format!("the runtime sent an unexpected {kind} frame"))
}
