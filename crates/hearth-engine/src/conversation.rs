//! An init or an invocation over the Runtime API.
//!
//! The runtime asks and the server answers, so unlike in an [exchange of frames](crate::exchange) what is waited for
//! is a state of the interfaces, and the end of the process shows in nothing but its exit.

use std::io;
use std::time::Duration;

use hearth_network::{BoxFuture, Endpoint};
use hearth_runtime::api::{ApiInvocation, InitFailure, Reply, RuntimeApi};
use hearth_types::limits;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, sleep, timeout};

use crate::control::Control;
use crate::environment::{Environment, Process};
use crate::failure::Failure;
use crate::journal::Journal;
use crate::response::Response;

/// How long after a broken connection the news may take that its process has ended.
const EXIT_NOTICE: Duration = Duration::from_millis(250);

/// The interfaces at the environment's own address.
pub(crate) struct Door(pub(crate) RuntimeApi);

impl Endpoint for Door {
    fn serve(&self, connection: TcpStream) -> BoxFuture {
        let api = self.0.clone();
        // Answers are small and waited for.
        let _ = connection.set_nodelay(true);
        Box::pin(async move { api.serve(connection).await })
    }
}

/// Waits until the extensions have registered, and has the interpreter started.
pub(crate) async fn extensions(
    process: &mut Process,
    journal: &mut Journal,
    api: &RuntimeApi,
    deadline: Instant,
) -> Result<(), Failure> {
    let mut socket = None;
    let arrives = async |control: &mut Control| {
        socket = Some(control.attendant().await.map_err(|error| broken(&error))?);
        Ok(())
    };
    attend(process, journal, deadline, arrives).await?;
    if let Some(socket) = socket {
        process
            .attend(socket, api.clone(), journal)
            .map_err(|error| broken(&error))?;
    }
    let registered = async |_: &mut Control| api.externals_registered().await.map_err(Failure::Extension);
    attend(process, journal, deadline, registered).await?;
    process.run().await.map_err(|error| broken(&error))
}

/// Waits until a function's own bootstrap is executed.
pub(crate) async fn launched(
    process: &mut Process,
    journal: &mut Journal,
    deadline: Instant,
) -> Result<(), Failure> {
    let result = attend(process, journal, deadline, executed).await;
    if let Err(Failure::Exited(_)) = result {
        // Why it could not be executed may have been overtaken by its end.
        if let Ok(Err(failure)) = timeout(EXIT_NOTICE, executed(&mut process.control)).await {
            return Err(failure);
        }
    }
    result
}

/// Waits until all that talk to the interfaces have asked for their first invocation.
pub(crate) async fn initialised(
    process: &mut Process,
    journal: &mut Journal,
    deadline: Instant,
) -> Result<(), Failure> {
    let Some(api) = process.api.clone() else {
        return Ok(());
    };
    if api.look(|machine| machine.init().is_some_and(|init| init.is_ok()) && !machine.has_any_extension()) {
        return Ok(());
    }
    let ready = async |_: &mut Control| api.initialized().await.map_err(Failure::from);
    attend(process, journal, deadline, ready).await
}

/// Waits for the answer to an invocation.
pub(crate) async fn invoke(
    process: &mut Process,
    journal: &mut Journal,
    api: &RuntimeApi,
    invocation: ApiInvocation,
    response: &mut Response,
    deadline: Instant,
) -> Result<(), Failure> {
    let mut replies = api.invoke(invocation);
    let answer = async |_: &mut Control| {
        tokio::select! {
            biased;
            answer = answer(&mut replies, response) => answer,
            failed = api.extension_failed() => Err(Failure::Extension(failed)),
        }
    };
    attend(process, journal, deadline, answer).await
}

/// Waits until the runtime is done with an invocation whose answer is there.
pub(crate) async fn runtime_done(
    environment: &mut Environment,
    api: &RuntimeApi,
    deadline: Instant,
) -> Result<(), Failure> {
    if api.look(|machine| machine.runtime_is_done()) {
        return Ok(());
    }
    let Environment { process, journal, .. } = environment;
    let done = async |_: &mut Control| api.runtime_done().await.map_err(Failure::Extension);
    attend(process, journal, deadline, done).await
}

/// Waits until extensions are done with it too.
pub(crate) async fn settled(
    environment: &mut Environment,
    api: &RuntimeApi,
    deadline: Instant,
) -> Result<(), Failure> {
    if api.look(|machine| machine.is_settled()) {
        return Ok(());
    }
    let Environment { process, journal, .. } = environment;
    let settled = async |_: &mut Control| api.settled().await.map_err(Failure::Extension);
    attend(process, journal, deadline, settled).await
}

/// Works towards an end; meanwhile the log keeps flowing, the clock keeps running, and the process may end.
async fn attend<F>(
    process: &mut Process,
    journal: &mut Journal,
    deadline: Instant,
    towards: F,
) -> Result<(), Failure>
where
    F: AsyncFnOnce(&mut Control) -> Result<(), Failure>,
{
    let Process {
        control,
        output,
        ending,
        clock,
        ..
    } = process;
    let end = towards(control);
    tokio::pin!(end);
    let result = loop {
        consume_budget().await;
        let due = journal.due(deadline);
        tokio::select! {
            biased;
            result = &mut end => break result,
            exit = ending.wait() => break Err(Failure::Exited(exit)),
            () = clock.reach(due) => if journal.is_over(deadline) {
                break Err(Failure::TimedOut);
            },
            () = journal.handed_over(), if journal.is_behind() => {}
            () = output.readable(), if output.is_open() && !journal.is_behind() => output.read(journal),
        }
    };
    let result = match result {
        Err(failure) => Err(ending.behind(failure).await),
        Ok(()) => Ok(()),
    };
    output.drain(journal);
    result
}

fn broken(error: &io::Error) -> Failure {
    Failure::Protocol(format!("the environment's extensions cannot be reached: {error}"))
}

/// Waits until the bootstrap is executed.
async fn executed(control: &mut Control) -> Result<(), Failure> {
    match control.launched().await {
        Ok(None) => Ok(()),
        Ok(Some(failure)) => Err(Failure::Launch(failure)),
        Err(error) => Err(Failure::Protocol(error.to_string())),
    }
}

/// Takes an answer, as fast as its caller does.
async fn answer(replies: &mut mpsc::Receiver<Reply>, response: &mut Response) -> Result<(), Failure> {
    loop {
        if response.is_full() {
            response.room().await;
        }
        match replies.recv().await {
            Some(Reply::Streams { content_type }) => response.announce(content_type)?,
            Some(Reply::Chunk(chunk)) => response.push(chunk)?,
            Some(Reply::End) => return response.end(),
            Some(Reply::Failed(error)) => {
                return Err(Failure::Reported {
                    error_type: error.error_type,
                    body: error.body,
                });
            }
            Some(Reply::TooLarge) => return Err(Failure::ResponseTooLarge(limits::RUNTIME_PAYLOAD as u64)),
            Some(Reply::Truncated) | None => {
                sleep(EXIT_NOTICE).await;
                return Err(Failure::Truncated);
            }
        }
    }
}

impl From<InitFailure> for Failure {
    fn from(failure: InitFailure) -> Self {
        match failure {
            InitFailure::Reported(error) => Self::Reported {
                error_type: error.error_type,
                body: error.body,
            },
            InitFailure::Extension(extension) => Self::Extension(extension),
        }
    }
}
