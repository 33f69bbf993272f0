//! Published versions: when they come into service, what keeps them, and what becomes of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hearth_lambda::LambdaOptions;
use hearth_types::CodeHash;
use serde_json::{Value, json};

use crate::support::fake::{self, FakeEngine};
use crate::support::zip::zip;
use crate::support::{Node, eventually};

const FUNCTIONS: &str = "/2015-03-31/functions";

async fn start(dir: &Path) -> Node {
    Node::start(dir, LambdaOptions::default()).await
}

async fn post(node: &Node, path: &str, body: Value) -> Value {
    let answer = node
        .send("POST", &format!("{FUNCTIONS}/{path}"), &[], body.to_string())
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

async fn publish(node: &Node, name: &str) -> String {
    let version = post(node, &format!("{name}/versions"), json!({})).await;
    version["Version"].as_str().unwrap().to_owned()
}

/// Gives a function other code and waits until it is there; the hash of the package.
async fn update(node: &Node, name: &str, code: &str) -> String {
    let package = zip([("index.js", code.as_bytes())]);
    let body = json!({"ZipFile": STANDARD.encode(&package)}).to_string();
    let answer = node
        .send("PUT", &format!("{FUNCTIONS}/{name}/code"), &[], body)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    node.wait_until(name, "LastUpdateStatus", "Successful").await;
    CodeHash::of(&package).to_string()
}

async fn invoke(node: &Node, name: &str, qualifier: &str) -> Value {
    let answer = node
        .invoke(&format!("{name}%3A{qualifier}"), "RequestResponse", "{}")
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_taken_into_service_when_it_is_invoked_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(dir.path()).await;
    node.create("f", "index.context").await;
    publish(&node, "f").await;
    update(&node, "f", "// 2").await;
    publish(&node, "f").await;
    assert_eq!(node.engine.deployed("f"), ["$LATEST", "$LATEST"]);
    let node = Arc::new(node);
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let node = Arc::clone(&node);
            tokio::spawn(async move { invoke(&node, "f", "1").await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap()["version"], "1");
    }
    assert_eq!(node.engine.deployed("f"), ["$LATEST", "$LATEST", "1"]);
    let node = Arc::into_inner(node).unwrap();
    node.kill().await;

    // A start takes none of them into service, however many there are.
    let node = start(dir.path()).await;
    assert_eq!(node.engine.deployed("f"), ["$LATEST"]);
    invoke(&node, "f", "2").await;
    assert_eq!(node.engine.deployed("f"), ["$LATEST", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_published_is_still_there_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(dir.path()).await;
    let mut request = fake::create_request("f", "index.context");
    request["Environment"] = json!({"Variables": {"SECRET": "hunter2"}});
    request["Publish"] = json!(true);
    request["Tags"] = json!({"team": "a"});
    assert_eq!(
        node.send("POST", FUNCTIONS, &[], request.to_string())
            .await
            .status,
        201
    );
    node.wait_until("f", "State", "Active").await;
    update(&node, "f", "// 2").await;
    publish(&node, "f").await;
    let weights = json!({"AdditionalVersionWeights": {"2": 0.5}});
    let alias = json!({"Name": "prod", "FunctionVersion": "1", "RoutingConfig": weights});
    post(&node, "f/aliases", alias).await;
    let statement =
        json!({"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"});
    for qualifier in ["", "?Qualifier=1", "?Qualifier=prod"] {
        post(&node, &format!("f/policy{qualifier}"), statement.clone()).await;
    }
    let facts = async |node: &Node| {
        let mut facts = Vec::new();
        for path in [
            "/versions",
            "/aliases",
            "/policy",
            "/policy?Qualifier=1",
            "/policy?Qualifier=prod",
        ] {
            facts.push(node.get(&format!("{FUNCTIONS}/f{path}")).await.json());
        }
        facts.push(node.get(&format!("{FUNCTIONS}/f")).await.json()["Tags"].clone());
        facts.push(node.get("/2016-08-19/account-settings").await.json());
        facts
    };
    let before = facts(&node).await;
    node.kill().await;

    let node = start(dir.path()).await;
    assert_eq!(facts(&node).await, before);
    assert_eq!(invoke(&node, "f", "1").await["environment"]["SECRET"], "hunter2");
    let version = node.send("DELETE", &format!("{FUNCTIONS}/f%3A2"), &[], "").await;
    assert_eq!(version.status, 409, "{}", version.text());
    update(&node, "f", "// 3").await;
    assert_eq!(publish(&node, "f").await, "3");
}

/// Killed while a version was being made ready with its function.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_was_under_way_becomes_ready() {
    let dir = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new();
    let node = Node::start_with(dir.path(), LambdaOptions::default(), engine.clone()).await;
    engine.set_ready(false);
    let mut request = fake::create_request("f", "index.context");
    request["Publish"] = json!(true);
    node.send("POST", FUNCTIONS, &[], request.to_string()).await;
    assert_eq!(node.invoke("f%3A1", "RequestResponse", "{}").await.status, 409);
    node.kill().await;

    let node = start(dir.path()).await;
    node.wait_until("f%3A1", "State", "Active").await;
    assert_eq!(invoke(&node, "f", "1").await["version"], "1");
}

/// The package of a version stays as long as the version does.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_keeps_its_package() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::with_short_grace(dir.path()).await;
    node.create("f", "index.context").await;
    let published = update(&node, "f", "// published").await;
    publish(&node, "f").await;
    let forgotten = update(&node, "f", "// forgotten").await;
    update(&node, "f", "// latest").await;
    let trees = dir.path().join("blobs/trees");
    eventually("code nobody refers to is gone", async || {
        !trees.join(&forgotten).exists()
    })
    .await;
    assert_eq!(invoke(&node, "f", "1").await["code"], published.as_str());
    assert!(trees.join(&published).is_dir());
    node.send("DELETE", &format!("{FUNCTIONS}/f%3A1"), &[], "").await;
    eventually("the version's code is gone with it", async || {
        !trees.join(&published).exists()
    })
    .await;
}

/// What could not be made ready cannot be invoked, and nothing can be published of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_may_fail_with_its_function() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(dir.path()).await;
    node.create("f", "index.context").await;
    let package = zip([("index.js", b"// new".as_slice())]);
    // A link to nowhere stands where the package is to be unpacked.
    let tree = dir
        .path()
        .join("blobs/trees")
        .join(CodeHash::of(&package).to_string());
    std::os::unix::fs::symlink("/nowhere/at/all", &tree).unwrap();
    let body = json!({"ZipFile": STANDARD.encode(&package), "Publish": true}).to_string();
    let answer = node.send("PUT", &format!("{FUNCTIONS}/f/code"), &[], body).await;
    assert_eq!(answer.json()["State"], "Pending", "{}", answer.text());
    node.wait_until("f", "LastUpdateStatus", "Failed").await;
    let version = node
        .get(&format!("{FUNCTIONS}/f/configuration?Qualifier=1"))
        .await
        .json();
    assert_eq!(
        (&version["State"], &version["StateReasonCode"]),
        (&json!("Failed"), &json!("InternalError"))
    );
    assert_eq!(node.invoke("f%3A1", "RequestResponse", "{}").await.status, 409);
    let refused = node
        .send("POST", &format!("{FUNCTIONS}/f/versions"), &[], "{}")
        .await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert_eq!(node.invoke("f", "RequestResponse", "{}").await.status, 200);

    // The same again, where it works, is another version.
    std::fs::remove_file(&tree).unwrap();
    update(&node, "f", "// new").await;
    assert_eq!(publish(&node, "f").await, "2");
    assert_eq!(invoke(&node, "f", "2").await["version"], "2");
    let failed = node.invoke("f%3A1", "RequestResponse", "{}").await;
    assert_eq!(failed.status, 409, "{}", failed.text());
}

/// Code that is lost makes one version unusable, says so, and heals when the code is back.
#[tokio::test(flavor = "multi_thread")]
async fn lost_code_makes_only_its_version_unusable() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(dir.path()).await;
    node.create("f", "index.context").await;
    let lost = update(&node, "f", "// 1").await;
    publish(&node, "f").await;
    update(&node, "f", "// 2").await;
    publish(&node, "f").await;
    let blobs = dir.path().join("blobs");
    std::fs::remove_dir_all(blobs.join("trees").join(&lost)).unwrap();
    let (zip, aside) = (blobs.join("zip").join(&lost), dir.path().join("aside"));
    std::fs::rename(&zip, &aside).unwrap();
    let answer = node.invoke("f%3A1", "RequestResponse", "{}").await;
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert_eq!(invoke(&node, "f", "2").await["version"], "2");
    std::fs::rename(&aside, &zip).unwrap();
    assert_eq!(invoke(&node, "f", "1").await["code"], lost.as_str());
}

/// All attempts of one event go to the same side of an alias, and different events to both.
#[tokio::test(flavor = "multi_thread")]
async fn the_attempts_of_an_event_stay_with_a_version() {
    let dir = tempfile::tempdir().unwrap();
    let options = LambdaOptions {
        retry_delays: vec![Duration::from_millis(5), Duration::from_millis(5)],
        ..LambdaOptions::default()
    };
    let node = Node::start(dir.path(), options).await;
    node.create("f", "index.fail").await;
    publish(&node, "f").await;
    update(&node, "f", "// 2").await;
    publish(&node, "f").await;
    let weights = json!({"AdditionalVersionWeights": {"2": 0.5}});
    let alias = json!({"Name": "prod", "FunctionVersion": "1", "RoutingConfig": weights});
    post(&node, "f/aliases", alias).await;
    for _ in 0..30 {
        let accepted = node.invoke("f%3Aprod", "Event", "{}").await;
        assert_eq!(accepted.status, 202, "{}", accepted.text());
    }
    eventually("every event had its three attempts", async || {
        node.engine.runs("f").len() == 90
    })
    .await;
    let runs: BTreeSet<(String, String)> = node
        .engine
        .runs("f")
        .into_iter()
        .map(|run| (run.request_id, run.version))
        .collect();
    assert_eq!(runs.len(), 30, "no event was run by two versions");
    let versions: BTreeSet<&str> = runs.iter().map(|(_, version)| version.as_str()).collect();
    assert_eq!(versions, ["1", "2"].into());
}

/// An event for a version that is deleted before its turn comes is dropped.
#[tokio::test(flavor = "multi_thread")]
async fn events_for_a_deleted_version_are_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(dir.path()).await;
    node.create("f", "index.throttled").await;
    publish(&node, "f").await;
    assert_eq!(node.invoke("f%3A1", "Event", "{}").await.status, 202);
    node.send("DELETE", &format!("{FUNCTIONS}/f%3A1"), &[], "").await;
    let queue = hearth_store::QueueName::new("invocations");
    eventually("no event is left", async || {
        node.store.depth(&queue).await.unwrap() == 0
    })
    .await;
    assert!(node.engine.runs("f").is_empty());
}

/// Versions published, invoked and deleted all at once: each answer is that of a version that was there.
#[tokio::test(flavor = "multi_thread")]
async fn publishing_and_deleting_while_invocations_come_in() {
    let dir = tempfile::tempdir().unwrap();
    let node = Arc::new(start(dir.path()).await);
    node.create("f", "index.context").await;
    let first = publish(&node, "f").await;
    post(
        &node,
        "f/aliases",
        json!({"Name": "live", "FunctionVersion": first}),
    )
    .await;
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let node = Arc::clone(&node);
            tokio::spawn(async move {
                for _ in 0..150 {
                    let answer = node.invoke("f%3Alive", "RequestResponse", "{}").await;
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    assert_eq!(
                        answer.headers["x-amz-executed-version"],
                        answer.json()["version"].as_str().unwrap()
                    );
                }
            })
        })
        .collect();
    let mut before = first;
    for round in 0..10 {
        update(&node, "f", &format!("// {round}")).await;
        let version = publish(&node, "f").await;
        let body = json!({"FunctionVersion": version}).to_string();
        node.send("PUT", &format!("{FUNCTIONS}/f/aliases/live"), &[], body)
            .await;
        let answer = node
            .send("DELETE", &format!("{FUNCTIONS}/f%3A{before}"), &[], "")
            .await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        before = version;
    }
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(before, "11");
}
