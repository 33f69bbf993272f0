//! A booted environment, as a test sees it.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::thread::JoinHandle;

use hearth_sandbox::{Booted, Exit, Freezer, MemoryGauge};
use hearth_types::{EnvironmentId, Places};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::oneshot;

use crate::Outcome;
use crate::life::fail_unless;

/// An environment whose bootstrap obeys orders.
pub(crate) struct Environment {
    pub(crate) id: EnvironmentId,
    pub(crate) memory: MemoryGauge,
    pub(crate) freezer: Option<Freezer>,
    pub(crate) places: Places,
    control: BufReader<UnixStream>,
    output: Output,
    exit: oneshot::Receiver<Exit>,
}

/// Collects what an environment prints.
pub(crate) struct Output(JoinHandle<Vec<u8>>);

impl Output {
    pub(crate) fn collect(pipe: OwnedFd) -> Self {
        Self(std::thread::spawn(move || {
            let mut text = Vec::new();
            // A pipe that breaks has nothing more to give.
            let _ = File::from(pipe).read_to_end(&mut text);
            text
        }))
    }

    /// Everything that was printed, once nobody can print any more.
    pub(crate) fn all(self) -> String {
        String::from_utf8_lossy(&self.0.join().expect("the reader does not panic")).into_owned()
    }
}

impl Environment {
    pub(crate) fn new(booted: Booted) -> Result<Self, Failed> {
        let control = StdUnixStream::from(booted.control);
        control.set_nonblocking(true)?;
        Ok(Self {
            id: booted.id,
            memory: booted.memory,
            freezer: booted.freezer,
            places: booted.places,
            control: BufReader::new(UnixStream::from_std(control)?),
            output: Output::collect(booted.output),
            exit: booted.exit,
        })
    }

    /// Gives an order and waits for the answer; `None` if the environment ended instead.
    pub(crate) async fn order(&mut self, order: &Value) -> Result<Option<Value>, Failed> {
        self.send(format!("{order}\n").as_bytes()).await?;
        self.answer().await
    }

    /// Waits for the answer to an order; `None` if the environment ended instead.
    pub(crate) async fn answer(&mut self) -> Result<Option<Value>, Failed> {
        let mut line = String::new();
        match self.control.read_line(&mut line).await {
            Ok(1..) => Ok(Some(serde_json::from_str(&line)?)),
            _ => Ok(None),
        }
    }

    /// Has it run a program, which must come to its end without an error.
    pub(crate) async fn run(&mut self, program: &str) -> Result<(), Failed> {
        let answer = self.order(&json!({"run": program})).await?;
        let has_run = answer
            .as_ref()
            .is_some_and(|answer| answer.get("error").is_none());
        fail_unless(has_run, format!("{answer:?}"))
    }

    /// Sends the variables that an interpreter waits for which was not started at once.
    pub(crate) async fn send_variables(&mut self, variables: &[&str]) -> Outcome {
        // The first two name a wrapper and extensions: there are none.
        let entries = [""; 2].iter().chain(variables);
        let block: String = entries.map(|entry| format!("{entry}\0")).collect();
        self.send(&(block.len() as u32).to_be_bytes()).await?;
        self.send(block.as_bytes()).await
    }

    /// Writes to the control socket.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        Ok(self.control.get_mut().write_all(bytes).await?)
    }

    /// Whether it has said nothing that was not heard yet.
    pub(crate) fn is_silent(&self) -> bool {
        let heard = self.control.get_ref().try_read(&mut [0; 1]);
        heard.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Waits for the end. Returns how it came, and all that was printed.
    pub(crate) async fn end(self) -> Result<(Exit, String), Failed> {
        let exit = self.exit.await?;
        drop(self.control);
        Ok((exit, self.output.all()))
    }
}
