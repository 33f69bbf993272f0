//! Requests that botocore signed (`sign_with_botocore.py`) are accepted, and tampered ones are not.

use std::collections::BTreeMap;

use super::{Owned, at};
use crate::sigv4::SignatureError;

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    service: String,
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
    body: String,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("botocore.json")).unwrap()
}

fn request(case: &Case) -> Owned {
    let headers: Vec<_> = case
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    Owned::new(&case.method, &case.target, &headers, case.body.as_bytes())
}

fn service(case: &Case) -> &'static str {
    ["lambda", "logs", "s3", "sts"]
        .into_iter()
        .find(|name| *name == case.service)
        .unwrap()
}

#[test]
fn requests_of_botocore_verify() {
    let now = at("20260102T030405Z");
    for case in cases() {
        let body = request(&case).verify(service(&case), now);
        let body = body.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let chunked = case.name.contains("chunks");
        assert_eq!(
            body.as_deref(),
            chunked.then_some(b"hello".as_slice()),
            "{}",
            case.name
        );
    }
}

#[test]
fn another_target_host_or_body_does_not() {
    let now = at("20260102T030405Z");
    for case in cases() {
        let (service, signed) = (service(&case), request(&case));
        let mut other = signed.clone();
        other.uri = format!("/x{}", case.target).parse().unwrap();
        assert_eq!(
            other.verify(service, now),
            Err(SignatureError::Mismatch),
            "{}",
            case.name
        );
        let mut other = signed.clone();
        other.headers.insert("host", "localhost:4566".parse().unwrap());
        assert_eq!(
            other.verify(service, now),
            Err(SignatureError::Mismatch),
            "{}",
            case.name
        );
        let mut other = signed;
        other.body.push(b' ');
        let unsigned = case.service == "s3" && case.name.contains("presigned");
        assert_eq!(other.verify(service, now).is_ok(), unsigned, "{}", case.name);
    }
}
