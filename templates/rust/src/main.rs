use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(handler)).await
}

async fn handler(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let query = &event.payload["queryStringParameters"]["name"];
    let name = query.as_str().or(event.payload["name"].as_str()).unwrap_or("world");
    println!("greeting {name}");
    Ok(json!({
        "statusCode": 200,
        "headers": { "Content-Type": "application/json" },
        "body": json!({ "message": format!("Hello, {name}!") }).to_string(),
    }))
}
