//! Functions whose code is a folder.

use std::sync::Arc;

use hearth_engine::{FolderIndex, Opened};
use hearth_lambda::{BoxFuture, Folders, LambdaOptions};
use serde_json::json;

use crate::support::{Node, fake};

/// Shows what lies below `/allowed`.
#[derive(Debug)]
struct Allowed;

impl Folders for Allowed {
    fn open<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Opened, String>> {
        Box::pin(async move {
            match path.strip_prefix("/allowed/") {
                Some(name) => Ok(Opened {
                    folder: FolderIndex(name.len() as u32),
                    has_lib: name == "lib",
                }),
                None => Err(format!("not {path}")),
            }
        })
    }
}

fn options() -> LambdaOptions {
    LambdaOptions {
        folders: Some(Arc::new(Allowed)),
        ..LambdaOptions::default()
    }
}

async fn create(node: &Node, path: &str) -> (u16, serde_json::Value) {
    let mut request = fake::create_request("f", "index.context");
    request["Code"] = json!({"S3Bucket": "hot-reload", "S3Key": path});
    let answer = node
        .send("POST", "/2015-03-31/functions", &[], request.to_string())
        .await;
    (answer.status.as_u16(), answer.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_code_and_stays_it() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), options()).await;
    let (status, created) = create(&node, "/allowed/lib").await;
    assert_eq!((status, &created["CodeSize"]), (201, &json!(0)), "{created}");
    node.wait_until("f", "State", "Active").await;
    let context = node.invoke("f", "RequestResponse", "{}").await.json();
    assert_eq!(
        (&context["code"], &context["hasLib"]),
        (&json!("folder 3"), &json!(true))
    );
    let shown = node.get("/2015-03-31/functions/f").await.json();
    assert_eq!(shown["Code"]["Location"], "file:///allowed/lib");
    let body = json!({"S3Bucket": "hot-reload", "S3Key": "/allowed/other"}).to_string();
    let path = "/2015-03-31/functions/f/code";
    let updated = node.send("PUT", path, &[], body).await.json();
    assert_ne!(updated["CodeSha256"], created["CodeSha256"]);
    node.wait_until("f", "LastUpdateStatus", "Successful").await;
    // A later server shows it again.
    node.kill().await;
    let node = Node::start(dir.path(), options()).await;
    let context = node.invoke("f", "RequestResponse", "{}").await.json();
    assert_eq!(context["code"], "folder 5");
    node.lambda.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_folders_are_refused_for_the_reason_given() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), options()).await;
    let (status, refused) = create(&node, "/etc").await;
    assert_eq!((status, &refused["message"]), (400, &json!("not /etc")));
    // Another bucket is one in S3.
    let mut request = fake::create_request("f", "index.context");
    request["Code"] = json!({"S3Bucket": "bucket", "S3Key": "/allowed/x"});
    let answer = node
        .send("POST", "/2015-03-31/functions", &[], request.to_string())
        .await;
    assert!(
        answer.text().contains("does not support code in S3"),
        "{}",
        answer.text()
    );
    node.lambda.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_folders_the_bucket_is_like_any() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), LambdaOptions::default()).await;
    let (status, refused) = create(&node, "/allowed/lib").await;
    assert_eq!(status, 400);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("does not support code in S3")
    );
    node.lambda.close().await;
}
