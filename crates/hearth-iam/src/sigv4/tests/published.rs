//! The published test suite of Signature Version 4, read in place.
//!
//! The suite is looked for in `$HEARTH_GOLDEN/sigv4`, else in `shared/golden/sigv4` beside the repository.

use std::fs;
use std::path::{Path, PathBuf};

use http::header::AUTHORIZATION;

use super::{Owned, at};
use crate::sigv4::key::{sha256, string_to_sign};
use crate::sigv4::{Presented, Rules, canonical};

const SCOPE: &str = "20150830/us-east-1/service/aws4_request";
const DATE: &str = "20150830T123600Z";

#[test]
fn the_published_vectors_hold() {
    let Some(suite) = suite() else { return };
    let mut vectors = Vec::new();
    find(&suite, &mut vectors);
    assert!(vectors.len() >= 30, "the suite is incomplete: {vectors:?}");
    for vector in &vectors {
        check(vector);
    }
}

fn suite() -> Option<PathBuf> {
    let golden = std::env::var_os("HEARTH_GOLDEN").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden"),
        PathBuf::from,
    );
    let suite = golden.join("sigv4");
    if !suite.is_dir() {
        println!("skipped: the SigV4 test suite is not at {}", suite.display());
        return None;
    }
    Some(suite)
}

fn find(directory: &Path, vectors: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, vectors);
        } else if path.extension().is_some_and(|extension| extension == "sreq") {
            vectors.push(path.with_extension(""));
        }
    }
}

fn check(vector: &Path) {
    let file = |extension| fs::read_to_string(vector.with_extension(extension)).unwrap();
    let (expected, rules) = (file("creq"), Rules::of("service"));
    let (method, target, mut headers, body) = parse(&file("sreq"));
    // One signed request of the suite carries the signature of another; its `authz` file is right.
    let authorization = headers
        .iter_mut()
        .find(|(name, _)| name == "Authorization")
        .unwrap();
    authorization.1 = file("authz");
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let start = format!(
        "{method}\n{}\n{}\n",
        canonical::path(path, &rules),
        canonical::query(query, false)
    );
    assert!(expected.starts_with(&start), "{vector:?}: {start}");
    assert_eq!(
        string_to_sign(DATE, SCOPE, expected.as_bytes()),
        file("sts"),
        "{vector:?}"
    );
    if target.contains(' ') {
        return; // What follows takes only targets that HTTP allows.
    }

    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut signed = Owned::new(&method, &target, &headers, body.as_bytes());
    let presented = Presented::read(&signed.request()).unwrap().unwrap();
    let digest = sha256(body.as_bytes());
    let text = canonical::request(
        &signed.request(),
        &presented.signed_headers,
        &digest,
        false,
        &rules,
    )
    .unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), expected, "{vector:?}");
    signed
        .verify("service", at(DATE))
        .unwrap_or_else(|error| panic!("{vector:?}: {error}"));

    if !expected.contains("x-amz-security-token") {
        signed.headers.remove("x-amz-security-token");
    }
    signed.headers.remove(AUTHORIZATION);
    assert_eq!(
        signed.signed("service", at(DATE)).headers[AUTHORIZATION],
        file("authz"),
        "{vector:?}"
    );
}

/// Method, target, header fields (folded lines joined) and body of a request as the suite writes it.
fn parse(text: &str) -> (String, String, Vec<(String, String)>, String) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, rest) = lines.next().unwrap().split_once(' ').unwrap();
    let target = rest.strip_suffix(" HTTP/1.1").unwrap();
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in lines {
        match line.split_once(':') {
            Some((name, value)) if !line.starts_with(' ') => headers.push((name.into(), value.into())),
            _ => headers.last_mut().unwrap().1.push_str(line),
        }
    }
    (method.into(), target.into(), headers, body.into())
}
