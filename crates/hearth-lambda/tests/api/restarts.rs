//! What a node finds when it starts on the state of an earlier one.

use std::path::Path;

use hearth_lambda::LambdaOptions;
use serde_json::json;

use crate::support::fake::{self, FakeEngine};
use crate::support::{Node, eventually};

const FUNCTIONS: &str = "/2015-03-31/functions";

async fn start(dir: &Path) -> Node {
    Node::start(dir, LambdaOptions::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_are_still_there() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(dir.path()).await;
    node.create("f", "index.context").await;
    let variables = json!({"Environment": {"Variables": {"SECRET": "hunter2"}}}).to_string();
    node.send("PUT", &format!("{FUNCTIONS}/f/configuration"), &[], variables)
        .await;
    node.wait_until("f", "LastUpdateStatus", "Successful").await;
    let reserved = json!({"ReservedConcurrentExecutions": 5}).to_string();
    node.send("PUT", "/2017-10-31/functions/f/concurrency", &[], reserved)
        .await;
    let before = node.get(&format!("{FUNCTIONS}/f/configuration")).await.json();
    node.kill().await;

    let node = start(dir.path()).await;
    assert_eq!(
        node.get(&format!("{FUNCTIONS}/f/configuration")).await.json(),
        before
    );
    let answer = node.invoke("f", "RequestResponse", "{}").await;
    assert_eq!(
        answer.json()["environment"]["SECRET"],
        "hunter2",
        "{}",
        answer.text()
    );
    let settings = node.get("/2016-08-19/account-settings").await.json();
    assert_eq!(settings["AccountLimit"]["UnreservedConcurrentExecutions"], 995);
    assert_eq!(settings["AccountUsage"]["FunctionCount"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_stay_what_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(dir.path()).await;
    node.create("f", "index.echo").await;
    let url = "/2021-10-31/functions/f/url";
    let config = json!({"AuthType": "AWS_IAM", "Cors": {"AllowOrigins": ["*"]}}).to_string();
    assert_eq!(node.send("POST", url, &[], config).await.status, 201);
    let before = node.get(url).await.json();
    node.kill().await;

    let node = start(dir.path()).await;
    assert_eq!(node.get(url).await.json(), before);
    let id = before["FunctionUrl"].as_str().unwrap();
    let id = id.strip_prefix("http://").unwrap().split('.').next().unwrap();
    assert_eq!(node.lambda.urls().find(id).unwrap().name.as_str(), "f");
    node.send("DELETE", "/2015-03-31/functions/f", &[], "").await;
    assert!(node.lambda.urls().find(id).is_none());
    node.kill().await;

    let node = start(dir.path()).await;
    assert!(node.lambda.urls().find(id).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_are_sealed_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(dir.path()).await;
    let mut request = fake::create_request("f", "index.echo");
    request["Environment"] = json!({"Variables": {"SECRET": "correct-horse-battery"}});
    assert_eq!(
        node.send("POST", FUNCTIONS, &[], request.to_string())
            .await
            .status,
        201
    );
    node.kill().await;
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(13).any(|window| window == b"correct-horse");
            assert!(!found, "{} holds a variable in the clear", path.display());
        }
    }
}

/// Killed while one function was being created and another updated: both become ready.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new();
    let node = Node::start_with(dir.path(), LambdaOptions::default(), engine.clone()).await;
    node.create("updated", "index.echo").await;
    engine.set_ready(false);
    let request = fake::create_request("created", "index.echo");
    assert_eq!(
        node.send("POST", FUNCTIONS, &[], request.to_string())
            .await
            .status,
        201
    );
    let change = json!({"Handler": "index.context"}).to_string();
    let path = format!("{FUNCTIONS}/updated/configuration");
    assert_eq!(
        node.send("PUT", &path, &[], change).await.json()["LastUpdateStatus"],
        "InProgress"
    );
    node.kill().await;

    let node = start(dir.path()).await;
    node.wait_until("created", "State", "Active").await;
    node.wait_until("updated", "LastUpdateStatus", "Successful").await;
    let answer = node.invoke("updated", "RequestResponse", "{}").await;
    assert!(answer.json()["requestId"].is_string(), "{}", answer.text());
    assert_eq!(node.invoke("created", "RequestResponse", "{}").await.status, 200);
}

/// However many there are, a start does nothing for each of them: but for one, so that the engine boots ahead what all
/// of them need.
#[tokio::test(flavor = "multi_thread")]
async fn functions_are_taken_into_service_when_they_are_invoked() {
    let dir = tempfile::tempdir().unwrap();
    let names = ["a", "b", "c"];
    let node = start(dir.path()).await;
    for name in names {
        node.create(name, "index.context").await;
    }
    node.kill().await;

    let node = start(dir.path()).await;
    let in_service = || {
        names
            .map(|name| node.engine.deployed(name).len())
            .iter()
            .sum::<usize>()
    };
    assert_eq!(in_service(), 1);
    for _ in 0..2 {
        for name in names {
            assert_eq!(node.invoke(name, "RequestResponse", "{}").await.status, 200);
        }
        assert_eq!(in_service(), 3);
    }
}

/// What runs until an update is ready is what was there before it, also if nobody has invoked that since the start.
#[tokio::test(flavor = "multi_thread")]
async fn an_update_finds_the_function_in_service() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(dir.path()).await;
    node.create("a", "index.context").await;
    node.create("b", "index.context").await;
    node.kill().await;

    let node = start(dir.path()).await;
    assert_eq!(node.engine.deployed("b").len(), 0);
    let change = json!({"Timeout": 7}).to_string();
    node.send("PUT", &format!("{FUNCTIONS}/b/configuration"), &[], change)
        .await;
    node.wait_until("b", "LastUpdateStatus", "Successful").await;
    assert_eq!(node.engine.deployed("b").len(), 2);
    let answer = node.invoke("b", "RequestResponse", "{}").await;
    assert_eq!(answer.json()["timeout"], 7);
}

/// A network policy counts from when it was answered, also for what nobody has invoked since the start.
#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_taken_into_service_with_the_network_policy_it_has_then() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(dir.path()).await;
    node.create("a", "index.context").await;
    node.create("b", "index.context").await;
    node.kill().await;

    let node = start(dir.path()).await;
    let tags = json!({"Tags": {"hearth:network": "none"}}).to_string();
    let path = "/2017-03-31/tags/arn:aws:lambda:us-east-1:000000000000:function:b";
    assert_eq!(node.send("POST", path, &[], tags).await.status, 204);
    assert_eq!(node.engine.deployed("b").len(), 0);
    let answer = node.invoke("b", "RequestResponse", "{}").await;
    assert_eq!(answer.json()["network"], "none");
}

/// The trees are a cache: without them they are made again.
#[tokio::test(flavor = "multi_thread")]
async fn code_is_unpacked_again_where_it_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(dir.path()).await;
    node.create("f", "index.echo").await;
    node.kill().await;
    let trees = dir.path().join("blobs/trees");
    std::fs::remove_dir_all(&trees).unwrap();
    let node = start(dir.path()).await;
    assert_eq!(node.invoke("f", "RequestResponse", "{}").await.status, 200);
    assert_eq!(std::fs::read_dir(&trees).unwrap().count(), 1);
}

/// A function whose code is lost cannot be created anew out of nothing: it is refused, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn lost_code_fails_the_function_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new();
    let node = Node::start_with(dir.path(), LambdaOptions::default(), engine.clone()).await;
    node.create("sound", "index.echo").await;
    engine.set_ready(false);
    let request = fake::create_request("lost", "index.lost");
    assert_eq!(
        node.send("POST", FUNCTIONS, &[], request.to_string())
            .await
            .status,
        201
    );
    node.kill().await;
    let sound = hash_of("sound", "index.echo");
    for kind in ["zip", "trees"] {
        for entry in std::fs::read_dir(dir.path().join("blobs").join(kind)).unwrap() {
            let path = entry.unwrap().path();
            match path.file_name().unwrap() == sound.as_str() {
                true => {}
                false if path.is_dir() => std::fs::remove_dir_all(path).unwrap(),
                false => std::fs::remove_file(path).unwrap(),
            }
        }
    }
    let node = start(dir.path()).await;
    node.wait_until("lost", "State", "Failed").await;
    let configuration = node.get(&format!("{FUNCTIONS}/lost/configuration")).await.json();
    assert_eq!(configuration["StateReasonCode"], "InternalError");
    assert_eq!(node.invoke("lost", "RequestResponse", "{}").await.status, 409);
    assert_eq!(node.invoke("sound", "RequestResponse", "{}").await.status, 200);

    // Uploading the code again heals it.
    let package = fake::create_request("lost", "index.lost")["Code"]["ZipFile"].clone();
    let body = json!({"ZipFile": package}).to_string();
    let answer = node
        .send("PUT", &format!("{FUNCTIONS}/lost/code"), &[], body)
        .await;
    assert_eq!(answer.json()["State"], "Pending", "{}", answer.text());
    node.wait_until("lost", "LastUpdateStatus", "Successful").await;
    eventually("it runs", async || {
        node.invoke("lost", "RequestResponse", "{}").await.status == 200
    })
    .await;
}

fn hash_of(name: &str, handler: &str) -> String {
    use base64::Engine as _;
    let request = fake::create_request(name, handler);
    let package =
        base64::engine::general_purpose::STANDARD.decode(request["Code"]["ZipFile"].as_str().unwrap());
    hearth_types::CodeHash::of(&package.unwrap()).to_string()
}
