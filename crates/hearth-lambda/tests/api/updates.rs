//! Updates and deletions while invocations come in.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hearth_lambda::LambdaOptions;
use hearth_types::CodeHash;
use serde_json::json;

use crate::support::zip::zip;
use crate::support::{Node, eventually, fake};

const FUNCTIONS: &str = "/2015-03-31/functions";

/// Whoever is told that an update succeeded never meets the old code again.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_runs_old_code_after_an_updates_success() {
    let dir = tempfile::tempdir().unwrap();
    let node = Arc::new(Node::start(dir.path(), LambdaOptions::default()).await);
    node.create("f", "index.context").await;
    for round in 0..20 {
        let package = zip([("index.js", format!("// {round}").as_bytes())]);
        let hash = CodeHash::of(&package).to_string();
        let body = json!({"ZipFile": STANDARD.encode(&package)}).to_string();
        let callers: Vec<_> = (0..4)
            .map(|_| {
                let node = Arc::clone(&node);
                tokio::spawn(async move {
                    for _ in 0..20 {
                        assert_eq!(node.invoke("f", "RequestResponse", "{}").await.status, 200);
                    }
                })
            })
            .collect();
        let answer = node.send("PUT", &format!("{FUNCTIONS}/f/code"), &[], body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        node.wait_until("f", "LastUpdateStatus", "Successful").await;
        assert_eq!(
            node.invoke("f", "RequestResponse", "{}").await.json()["code"],
            hash.as_str()
        );
        for caller in callers {
            caller.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_to_the_code_gives_the_package() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), LambdaOptions::default()).await;
    node.create("f", "index.echo").await;
    let location = node.get(&format!("{FUNCTIONS}/f")).await.json()["Code"]["Location"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = location.strip_prefix("http://hearth.test:4566").unwrap();
    let package = node.get(path).await;
    assert_eq!(
        (package.status.as_u16(), &package.headers["content-type"]),
        (200, &"application/zip".parse().unwrap())
    );
    assert_eq!(
        STANDARD.encode(&package.body),
        fake::create_request("f", "index.echo")["Code"]["ZipFile"]
    );
    assert_eq!(node.get("/_hearth/code/v1.other").await.status, 403);
    assert_eq!(node.send("PUT", path, &[], "").await.status, 404);
}

/// A package outlives its last function by the grace period, and no longer.
#[tokio::test(flavor = "multi_thread")]
async fn code_nobody_uses_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::with_short_grace(dir.path()).await;
    node.create("f", "index.echo").await;
    node.create("g", "index.fail").await;
    let files = || {
        let count = |kind: &str| {
            std::fs::read_dir(dir.path().join("blobs").join(kind))
                .unwrap()
                .count()
        };
        (count("zip"), count("trees"))
    };
    assert_eq!(files(), (2, 2));
    node.send("DELETE", &format!("{FUNCTIONS}/f"), &[], "").await;
    eventually("the package of f is gone", async || files() == (1, 1)).await;
    assert_eq!(node.invoke("g", "RequestResponse", "{}").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_creations_of_one_name_one_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    let node = Arc::new(Node::start(dir.path(), LambdaOptions::default()).await);
    let attempts: Vec<_> = (0..8)
        .map(|index| {
            let node = Arc::clone(&node);
            tokio::spawn(async move {
                let request = fake::create_request("f", &format!("index.handler{index}"));
                node.send("POST", FUNCTIONS, &[], request.to_string())
                    .await
                    .status
                    .as_u16()
            })
        })
        .collect();
    let mut statuses = Vec::new();
    for attempt in attempts {
        statuses.push(attempt.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
}

/// A client that hangs up in the middle leaves nothing half-done.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_given_up_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), LambdaOptions::default()).await;
    for micros in (0..3000).step_by(150) {
        let name = format!("f{micros}");
        let request = fake::create_request(&name, "index.echo").to_string();
        let sent = node.send("POST", FUNCTIONS, &[], request);
        let _ = tokio::time::timeout(Duration::from_micros(micros), sent).await;
    }
    eventually("every function is active or was never there", async || {
        let functions = node.get(FUNCTIONS).await.json()["Functions"]
            .as_array()
            .unwrap()
            .clone();
        for function in functions {
            let name = function["FunctionName"].as_str().unwrap();
            let state = node
                .get(&format!("{FUNCTIONS}/{name}/configuration"))
                .await
                .json()["State"]
                .clone();
            if state != "Active" {
                return false;
            }
        }
        true
    })
    .await;
}

/// An update that cannot be made ready leaves the function as it was, with code that nobody tidies away.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_update_leaves_the_old_code_in_service() {
    let dir = tempfile::tempdir().unwrap();
    let options = LambdaOptions {
        code_grace: Duration::from_millis(20),
        ..LambdaOptions::default()
    };
    let node = Node::start(dir.path(), options).await;
    node.create("f", "index.context").await;
    let before = node.invoke("f", "RequestResponse", "{}").await.json()["code"].clone();
    let package = zip([("index.js", b"// new".as_slice())]);
    // A link to nowhere stands where the package is to be unpacked.
    let trees = dir.path().join("blobs/trees");
    std::os::unix::fs::symlink("/nowhere/at/all", trees.join(CodeHash::of(&package).to_string())).unwrap();
    let body = json!({"ZipFile": STANDARD.encode(&package)}).to_string();
    let answer = node.send("PUT", &format!("{FUNCTIONS}/f/code"), &[], body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    node.wait_until("f", "LastUpdateStatus", "Failed").await;
    // Once a later function's code is tidied away, the old code would have been as well.
    node.create("g", "index.gone").await;
    node.send("DELETE", &format!("{FUNCTIONS}/g"), &[], "").await;
    let package = STANDARD.decode(
        fake::create_request("g", "index.gone")["Code"]["ZipFile"]
            .as_str()
            .unwrap(),
    );
    let gone = trees.join(CodeHash::of(&package.unwrap()).to_string());
    eventually("the code of g is gone", async || !gone.exists()).await;
    assert_eq!(
        node.invoke("f", "RequestResponse", "{}").await.json()["code"],
        before
    );
    assert!(trees.join(before.as_str().unwrap()).is_dir());
}
