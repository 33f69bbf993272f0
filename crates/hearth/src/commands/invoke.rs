//! `hearth invoke`: send a function an event.

use std::fs;
use std::io::{self, Read};

use bytes::Bytes;
use clap::Args;
use serde_json::{Value, json};

use super::{ServerArguments, block_on};
use crate::client::{Invoked, Mode};
use crate::failure::{Exit, Failure};
use crate::output;

/// Invoke a function and write its response
#[derive(Args)]
pub(crate) struct Arguments {
    /// Name or ARN of the function
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
    /// Version or alias
    #[arg(long)]
    qualifier: Option<String>,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let client = arguments.server.client()?;
    let payload = payload(arguments.data.as_deref())?;
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
    let text = String::from_utf8_lossy(&invoked.payload);
    let payload =
        serde_json::from_slice(&invoked.payload).unwrap_or_else(|_| Value::String(text.into_owned()));
    let tail = invoked.tail.as_ref().map(|tail| String::from_utf8_lossy(tail));
    json!({
        "requestId": invoked.request_id,
        "payload": payload,
        "functionError": invoked.error,
        "logTail": tail,
    })
}
