//! Verifying a signature, with the signing key at hand and without.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on panics")]

use std::hint::black_box;
use std::time::{Duration, UNIX_EPOCH};

use criterion::{Criterion, criterion_group, criterion_main};
use hearth_iam::AccessKey;
use hearth_iam::sigv4::{Presented, Request, Rules, Signer, SigningKey, SigningKeys};
use http::request::Parts;

const BODY: &[u8] = br#"{"key":"value","n":1}"#;

fn signed(key: &AccessKey) -> Parts {
    let request = http::Request::post("http://127.0.0.1:4566/2015-03-31/functions/hello/invocations");
    let (mut parts, ()) = request
        .header("content-type", "application/json")
        .body(())
        .unwrap()
        .into_parts();
    let signer = Signer {
        key,
        session_token: None,
        region: "us-east-1",
        service: "lambda",
    };
    let at = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    signer.sign(&mut parts, BODY, at).unwrap();
    parts
}

fn signatures(criterion: &mut Criterion) {
    let access_key = AccessKey::lasting();
    let Parts {
        method, uri, headers, ..
    } = &signed(&access_key);
    let request = Request {
        method,
        uri,
        headers,
        body: BODY,
    };
    let rules = Rules::of("lambda");
    let mut group = criterion.benchmark_group("signature");
    group.bench_function("key derived", |bencher| {
        bencher.iter(|| {
            let presented = Presented::read(black_box(&request)).unwrap().unwrap();
            let key = SigningKey::derive(&access_key.secret, presented.credential());
            presented.verify(&request, &rules, &key).unwrap()
        });
    });
    let keys = SigningKeys::new(16);
    let presented = Presented::read(&request).unwrap().unwrap();
    let key = SigningKey::derive(&access_key.secret, presented.credential());
    keys.remember(presented.credential(), key);
    group.bench_function("key cached", |bencher| {
        bencher.iter(|| {
            let presented = Presented::read(black_box(&request)).unwrap().unwrap();
            let key = keys.get(presented.credential()).unwrap();
            presented.verify(&request, &rules, &key).unwrap()
        });
    });
}

criterion_group!(benches, signatures);
criterion_main!(benches);
