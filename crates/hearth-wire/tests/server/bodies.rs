//! The memory for bodies: who takes all that is meant for some leaves the others theirs.

use std::sync::Arc;

use bytes::Bytes;
use hearth_wire::Router;
use http::{Request, StatusCode};
use http_body_util::Full;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::LONG;
use crate::silent::Silent;
use crate::support::{Everybody, Gate, router};

const INVOKE: &str = "/2015-03-31/functions/f/invocations";
/// As many as take more than there is for all together.
const MANY: usize = 6000;

async fn is_answered(router: &Router, inside: bool) -> bool {
    let request = Request::post(INVOKE)
        .body(Full::new(Bytes::from(vec![b'1'; 100_000])))
        .unwrap();
    let answer = async {
        match inside {
            true => router.handle_by(&Everybody, request).await,
            false => router.handle(request).await,
        }
    };
    timeout(LONG, answer)
        .await
        .is_ok_and(|answer| answer.status() == StatusCode::OK)
}

/// Lets every request come to where it waits.
async fn all_have_begun() {
    for _ in 0..MANY {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn visitors_and_functions_take_no_memory_of_others() {
    let router = Arc::new(router(Gate::default()));
    let mut requests = JoinSet::new();
    let silent = |path: &str| Request::post(path).body(Silent(99_999)).unwrap();
    for _ in 0..MANY {
        let (of_visitor, request) = (Arc::clone(&router), silent("/site/a"));
        requests.spawn(async move { of_visitor.handle(request).await });
    }
    all_have_begun().await;
    assert!(is_answered(&router, false).await && is_answered(&router, true).await);
    for _ in 0..MANY {
        let (inside, request) = (Arc::clone(&router), silent(INVOKE));
        requests.spawn(async move { inside.handle_by(&Everybody, request).await });
    }
    all_have_begun().await;
    assert!(is_answered(&router, false).await);
}
