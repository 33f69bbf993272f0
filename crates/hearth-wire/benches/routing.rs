//! From a request's head to the handler of Invoke and back.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on panics")]

use std::sync::Arc;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use hearth_types::{AccountId, Scope};
use hearth_wire::{
    Authenticated, Authenticator, AwsError, Body, Caller, CallerKind, Router, SignedRequest, lambda, logs,
    sts,
};
use http::{Request, Response};
use http_body_util::Full;

/// Lets everybody in.
struct Everybody(Arc<Caller>);

impl Authenticator for Everybody {
    fn authenticate(&self, _: &SignedRequest<'_>) -> Result<Authenticated, AwsError> {
        Ok(Authenticated {
            scope: Scope::default(),
            caller: Arc::clone(&self.0),
            body: None,
        })
    }
}

fn router() -> Router {
    let caller = Caller {
        account: AccountId::DEFAULT,
        arn: "arn:aws:iam::000000000000:root".to_owned(),
        user_id: "000000000000".to_owned(),
        access_key: None,
        kind: CallerKind::Anonymous,
    };
    let mut router = Router::new(Arc::new(Everybody(Arc::new(caller))));
    router.service(&logs::MODEL);
    router.service(&sts::MODEL);
    router.service(&lambda::MODEL).raw("Invoke", |_, request| async {
        Ok(Response::new(Body::from(request.body)))
    });
    router
}

fn request() -> Request<Full<Bytes>> {
    Request::post("/2015-03-31/functions/hello/invocations")
        .header("host", "127.0.0.1:4566")
        .header("content-type", "application/json")
        .header("x-amz-invocation-type", "RequestResponse")
        .body(Full::new(Bytes::from_static(br#"{"key":"value","n":1}"#)))
        .unwrap()
}

fn routing(criterion: &mut Criterion) {
    let router = router();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    criterion.bench_function("routing of Invoke", |bencher| {
        bencher.iter_batched(
            request,
            |request| runtime.block_on(router.handle(request)),
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, routing);
criterion_main!(benches);
