//! What layers may cost.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hearth_lambda::LambdaOptions;
use serde_json::json;

use crate::support::zip::zip;
use crate::support::{Answer, Node};

const VERSIONS: &str = "/2018-10-31/layers/l/versions";

async fn permit(node: &Node, sid: &str) -> Answer {
    let body = json!({"StatementId": sid, "Action": "lambda:GetLayerVersion", "Principal": "*"});
    let path = format!("{VERSIONS}/1/policy");
    node.send("POST", &path, &[], body.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layers_policy_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), LambdaOptions::default()).await;
    let package = STANDARD.encode(zip([("python/m.py", b"X = 1".as_slice())]));
    let body = json!({"Content": {"ZipFile": package}}).to_string();
    assert_eq!(node.send("POST", VERSIONS, &[], body).await.status, 201);
    let mut taken = 0;
    let refused = loop {
        let answer = permit(&node, &format!("statement-{taken}")).await;
        if answer.status != 201 {
            break answer;
        }
        taken += 1;
        assert!(taken < 1000, "the policy has no bound");
    };
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.headers["x-amzn-errortype"],
        "PolicyLengthExceededException"
    );
    let policy = node.get(&format!("{VERSIONS}/1/policy")).await.json();
    let policy = policy["Policy"].as_str().unwrap();
    assert!(policy.len() <= 20_480, "{}", policy.len());
    assert_eq!(policy.matches(r#""Sid""#).count(), taken);
    // Not a statement more would have fitted.
    assert!(20_480 - policy.len() < 200, "{}", policy.len());
}
