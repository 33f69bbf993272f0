//! A function in Rust, as the documentation of `lambda_runtime` shows it: greets, fails, panics, and streams.

use std::time::Duration;

use lambda_runtime::streaming::{Body, Response, channel};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Request {
    command: String,
}

#[derive(Serialize)]
struct Greeting {
    request_id: String,
    function: String,
    message: String,
}

async fn greet(event: LambdaEvent<Request>) -> Result<Greeting, Error> {
    let (request, context) = event.into_parts();
    match request.command.as_str() {
        "fail" => Err("the command failed".into()),
        "panic" => panic!("the command panicked"),
        command => Ok(Greeting {
            request_id: context.request_id,
            function: context.env_config.function_name.clone(),
            message: format!("Command {command} executed."),
        }),
    }
}

async fn count(_: LambdaEvent<Request>) -> Result<Response<Body>, Error> {
    let (mut sender, body) = channel();
    tokio::spawn(async move {
        for number in ["1 ", "2 ", "3"] {
            sender.send_data(number.into()).await.ok();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    });
    Ok(Response::from(body))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    match std::env::var("_HANDLER").as_deref() {
        Ok("count") => run(service_fn(count)).await,
        _ => run(service_fn(greet)).await,
    }
}
