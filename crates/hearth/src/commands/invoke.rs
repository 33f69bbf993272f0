//! `hearth invoke`: send a function an event.

use std::fs;
use std::io::{self, IsTerminal, Read};

use bytes::Bytes;
use clap::Args;
use serde_json::{Value, json};

use super::{ServerArguments, block_on};
use crate::client::{Client, Invoked, Mode};
use crate::failure::{Exit, Failure};
use crate::output;

/// Invoke a function and write its response
#[derive(Args)]
pub(crate) struct Arguments {
    /// Name or ARN of the function; NAME:VERSION or NAME:ALIAS for what was published
    name: String,
    /// The event: JSON, @FILE, or - for standard input
    #[arg(short, long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    data: Option<String>,
    /// Queue the event and do not wait for a response
    #[arg(long = "async")]
    asynchronous: bool,
    /// Write the end of the log to standard error
    #[arg(long, conflicts_with = "asynchronous")]
    tail: bool,
    /// Write the response piece by piece, as it comes; with --json a line for each piece
    #[arg(long, conflicts_with = "asynchronous")]
    stream: bool,
    /// Version or alias
    #[arg(long)]
    qualifier: Option<String>,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let client = arguments.server.client()?;
    let payload = payload(arguments.data.as_deref())?;
    if arguments.stream {
        return stream(arguments, &client, payload);
    }
    let mode = if arguments.asynchronous {
        Mode::Event
    } else {
        Mode::Response { tail: arguments.tail }
    };
    let qualifier = arguments.qualifier.as_deref();
    let invoked = block_on(async { Ok(client.invoke(&arguments.name, qualifier, payload, mode).await?) })?;
    if let Some(tail) = &invoked.tail {
        eprint!("{}", String::from_utf8_lossy(tail));
    }
    if arguments.server.json {
        output::json(&as_json(&invoked))?;
    } else if mode == Mode::Event {
        eprintln!("queued {}, request {}", arguments.name, invoked.request_id);
    } else {
        output::bytes(&invoked.payload)?;
    }
    match invoked.error {
        Some(_) if arguments.server.json => Err(Failure::silent(Exit::Failed)),
        Some(error) => Err(Failure::failed(format!(
            "{} failed ({error}), request {}",
            arguments.name, invoked.request_id
        ))),
        None => Ok(()),
    }
}

/// Writes a response while it comes.
fn stream(arguments: &Arguments, client: &Client, payload: Bytes) -> Result<(), Failure> {
    let json = arguments.server.json;
    let mut last = b'\n';
    let write = |chunk: &[u8]| {
        last = *chunk.last().unwrap_or(&last);
        match json {
            true => output::json_line(&json!({ "chunk": String::from_utf8_lossy(chunk) })),
            false => output::piece(chunk),
        }
    };
    let qualifier = arguments.qualifier.as_deref();
    let streamed = block_on(async {
        client
            .stream(&arguments.name, qualifier, payload, arguments.tail, write)
            .await
    })?;
    // Files get what the function wrote and nothing else.
    if !json && last != b'\n' && io::stdout().is_terminal() {
        output::piece(b"\n")?;
    }
    let tail = streamed.tail.as_ref().map(|tail| String::from_utf8_lossy(tail));
    if let Some(tail) = &tail {
        eprint!("{tail}");
    }
    let (code, details) = streamed.error.unzip();
    if json {
        output::json_line(&json!({
            "requestId": streamed.request_id,
            "functionError": code,
            "errorDetails": details.as_ref().map(|details| parsed(details.as_bytes())),
            "logTail": tail,
        }))?;
    }
    match code {
        Some(_) if json => Err(Failure::silent(Exit::Failed)),
        Some(code) => Err(Failure::failed(format!(
            "{} failed ({code}), request {}: {}",
            arguments.name,
            streamed.request_id,
            details.unwrap_or_default()
        ))),
        None => Ok(()),
    }
}

fn payload(data: Option<&str>) -> Result<Bytes, Failure> {
    let read = match data {
        None => return Ok(Bytes::new()),
        Some("-") => {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        }
        Some(text) => match text.strip_prefix('@') {
            Some(path) => fs::read(path),
            None => Ok(text.as_bytes().to_vec()),
        },
    };
    read.map(Bytes::from)
        .map_err(|error| Failure::usage(format!("the event cannot be read: {error}")))
}

fn as_json(invoked: &Invoked) -> Value {
    let payload = parsed(&invoked.payload);
    let tail = invoked.tail.as_ref().map(|tail| String::from_utf8_lossy(tail));
    json!({
        "requestId": invoked.request_id,
        "payload": payload,
        "functionError": invoked.error,
        "logTail": tail,
    })
}

/// JSON, or a text where it is none.
fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}
