//! Requests that are wrong in one way, and what they are told.

use std::time::Duration;

use http::HeaderValue;

use super::{Owned, at};
use crate::sigv4::{Claimed, Presented, SignatureError};

const AT: &str = "20260101T120000Z";
const MINUTE: Duration = Duration::from_secs(60);

fn signed() -> Owned {
    let headers = [
        ("Host", "localhost:4566"),
        ("X-Amz-Target", "A.B"),
        ("Content-Type", "text/plain"),
    ];
    Owned::new("POST", "/a/b?c=d", &headers, b"body").signed("lambda", at(AT))
}

fn refusal(request: &Owned) -> SignatureError {
    request.verify("lambda", at(AT)).unwrap_err()
}

fn incomplete(text: &str) -> SignatureError {
    SignatureError::Incomplete(text.into())
}

fn invalid(text: &str) -> SignatureError {
    SignatureError::Invalid(text.into())
}

#[test]
fn the_example_of_the_manual_has_its_signature() {
    let headers = [("Host", "example.amazonaws.com")];
    let request = Owned::new("GET", "/", &headers, b"").signed("service", at("20150830T123600Z"));
    let authorization = request.headers["authorization"].to_str().unwrap();
    let signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    assert!(authorization.ends_with(signature), "{authorization}");
}

#[test]
fn unsigned_requests_are_told_apart_from_broken_ones() {
    let request = Owned::new("GET", "/?a=b", &[("Host", "h")], b"");
    assert!(Presented::read(&request.request()).unwrap().is_none());
}

#[test]
fn the_clock_may_be_five_minutes_off() {
    let (request, signed_at) = (signed(), at(AT));
    for offset in [MINUTE * 5, MINUTE] {
        assert!(request.verify("lambda", signed_at + offset).is_ok());
        assert!(request.verify("lambda", signed_at - offset).is_ok());
    }
    assert_eq!(
        request.verify("lambda", signed_at + MINUTE * 6),
        Err(invalid(
            "Signature expired: 20260101T120000Z is now earlier than 20260101T120100Z \
             (20260101T120600Z - 5 min.)"
        ))
    );
    assert_eq!(
        request.verify("lambda", signed_at - MINUTE * 6),
        Err(invalid(
            "Signature not yet current: 20260101T120000Z is still later than 20260101T115900Z \
             (20260101T115400Z + 5 min.)"
        ))
    );
    let mut object = Owned::new(
        "GET",
        "/b/k",
        &[("Host", "h"), ("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")],
        b"",
    );
    object = object.signed("s3", signed_at);
    assert!(object.verify("s3", signed_at + MINUTE * 15).is_ok());
    assert!(object.verify("s3", signed_at + MINUTE * 16).is_err());
}

#[test]
fn the_scope_must_fit() {
    let request = signed();
    assert_eq!(
        request.verify("logs", at(AT)),
        Err(invalid("Credential should be scoped to correct service: 'logs'."))
    );
    let mut next_day = request;
    next_day
        .headers
        .insert("x-amz-date", HeaderValue::from_static("20260102T000000Z"));
    assert_eq!(
        refusal(&next_day),
        invalid(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             '20260101' != '20260102', from '20260102T000000Z'."
        )
    );
}

#[test]
fn host_and_amazon_headers_must_be_signed() {
    let mut request = signed();
    request
        .headers
        .insert("x-amz-log-type", HeaderValue::from_static("Tail"));
    assert_eq!(
        refusal(&request),
        invalid("'x-amz-log-type' must be a 'SignedHeader' in the AWS Authorization.")
    );
    let unhosted = Owned::new("GET", "/", &[], b"").signed("lambda", at(AT));
    assert_eq!(
        refusal(&unhosted),
        invalid("'host' must be a 'SignedHeader' in the AWS Authorization.")
    );
    let mut untyped = signed();
    untyped.headers.remove("content-type");
    assert_eq!(refusal(&untyped), SignatureError::Mismatch);
}

#[test]
fn incomplete_headers_are_told_what_is_missing() {
    for (value, text) in [
        ("Bearer abc", "Unsupported AWS 'algorithm': 'Bearer'."),
        (
            "AWS4-HMAC-SHA256 Credential=a/20260101/r/lambda/aws4_request",
            "Authorization header requires 'Signature' parameter. \
             Authorization header requires 'SignedHeaders' parameter.",
        ),
        (
            "AWS4-HMAC-SHA256 Credential",
            "'Credential' not a valid key=value pair in Authorization header.",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/b, Signature=c, SignedHeaders=host",
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, \
             got 'a/b'",
        ),
    ] {
        let mut request = signed();
        request
            .headers
            .insert("authorization", HeaderValue::from_static(value));
        assert_eq!(refusal(&request), incomplete(text));
    }
    let mut undated = signed();
    undated.headers.remove("x-amz-date");
    assert_eq!(
        refusal(&undated),
        incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    );
    let mut twice = signed();
    let authorization = twice.headers["authorization"].clone();
    twice.headers.append("authorization", authorization);
    assert_eq!(
        refusal(&twice),
        incomplete("'authorization' must not occur more than once.")
    );
}

#[test]
fn a_presigned_request_lives_as_long_as_it_says() {
    let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2F20260101%2Fr%2Flambda%2Faws4_request\
                 &X-Amz-Date=20260101T120000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=";
    let query = format!("{query}{}", "0".repeat(64));
    let with = |expires: &str| Owned::new("GET", &format!("/?{query}{expires}"), &[("Host", "h")], b"");
    for bad in ["0", "604801", "-1", "x", ""] {
        let text = format!("X-Amz-Expires must be a number of seconds between 1 and 604800, got '{bad}'.");
        assert_eq!(
            refusal(&with(&format!("&X-Amz-Expires={bad}"))),
            incomplete(&text)
        );
    }
    assert_eq!(
        refusal(&with("")),
        incomplete("AWS query-string parameters must include 'X-Amz-Expires'.")
    );
    let request = with("&X-Amz-Expires=90");
    assert!(matches!(
        request.verify("lambda", at(AT) - MINUTE * 6),
        Err(SignatureError::Invalid(text)) if text.starts_with("Signature not yet current")
    ));
    assert_eq!(
        request.verify("lambda", at(AT) + MINUTE),
        Err(SignatureError::Mismatch)
    );
    assert_eq!(
        request.verify("lambda", at(AT) + MINUTE * 2),
        Err(invalid(
            "Signature expired: 20260101T120000Z is now earlier than 20260101T120030Z \
             (20260101T120200Z - 90 sec.)"
        ))
    );
}

#[test]
fn a_signature_is_for_one_key_day_region_and_service() {
    let signed = signed();
    let authorization = signed.headers["authorization"].to_str().unwrap();
    for (part, other) in [
        ("AKIDEXAMPLE", "AKIDOTHER"),
        ("us-east-1", "eu-west-1"),
        ("/lambda/", "/logs/"),
    ] {
        let mut request = signed.clone();
        let moved = authorization.replace(part, other);
        assert_ne!(moved, authorization);
        request.headers.insert("authorization", moved.parse().unwrap());
        let service = if part == "/lambda/" { "logs" } else { "lambda" };
        let refused = request.verify(service, at(AT));
        assert_eq!(refused, Err(SignatureError::Mismatch), "{part}");
    }
}

#[test]
fn headers_that_come_twice_or_under_other_names_are_not_the_signed_ones() {
    for name in ["host", "x-amz-target"] {
        let mut twice = signed();
        let value = twice.headers[name].clone();
        twice.headers.append(name, value);
        assert_eq!(refusal(&twice), SignatureError::Mismatch, "{name}");
    }
    let mut dated = signed();
    let date = dated.headers["x-amz-date"].clone();
    dated.headers.append("x-amz-date", date);
    assert_eq!(
        refusal(&dated),
        incomplete("'x-amz-date' must not occur more than once.")
    );
    let mut cased = signed();
    let names = cased.headers["authorization"].to_str().unwrap();
    let names = names.replace(";host;", ";Host;");
    cased.headers.insert("authorization", names.parse().unwrap());
    assert_eq!(
        refusal(&cased),
        invalid("'host' must be a 'SignedHeader' in the AWS Authorization.")
    );
}

#[test]
fn nothing_is_added_to_a_query_that_is_signed() {
    let signed = signed();
    for added in ["&X-Amz-Signature=0", "&e", "&c=d"] {
        let mut request = signed.clone();
        request.uri = format!("{}{added}", signed.uri).parse().unwrap();
        assert_eq!(refusal(&request), SignatureError::Mismatch, "{added}");
    }
}

/// Whoever reads a query reads a plus as a space.
#[test]
fn a_plus_is_signed_as_what_it_means() {
    let with = |query: &str| Owned::new("GET", &format!("/?name={query}"), &[("Host", "h")], b"");
    let signed = with("a%2Bb").signed("lambda", at(AT));
    let sent = |query: &str| {
        let mut request = signed.clone();
        request.uri = with(query).uri;
        request.verify("lambda", at(AT))
    };
    assert_eq!(sent("a%2bb"), Ok(None));
    for other in ["a+b", "a%20b"] {
        assert_eq!(sent(other), Err(SignatureError::Mismatch), "{other}");
    }
    let mut spaced = with("a%20b").signed("lambda", at(AT));
    spaced.uri = with("a+b").uri;
    assert_eq!(spaced.verify("lambda", at(AT)), Ok(None));
}

#[test]
fn tokens_are_not_printed() {
    let headers = [("Host", "h"), ("X-Amz-Security-Token", "open-sesame")];
    let request = Owned::new("GET", "/", &headers, b"").signed("lambda", at(AT));
    let presented = Presented::read(&request.request()).unwrap().unwrap();
    assert_eq!(presented.token(), Some("open-sesame"));
    let claimed = Claimed::read(&request.request());
    let printed = format!("{presented:?} {claimed:?} {:?}", request.request());
    assert!(!printed.contains("sesame"), "{printed}");
}

#[test]
fn only_s3_takes_bodies_that_nothing_signs() {
    for word in ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"] {
        let headers = [("Host", "h"), ("X-Amz-Content-Sha256", word)];
        let request = Owned::new("PUT", "/b/k", &headers, b"0\r\n\r\n");
        assert!(request.clone().signed("s3", at(AT)).verify("s3", at(AT)).is_ok());
        assert_eq!(
            refusal(&request.signed("lambda", at(AT))),
            SignatureError::Mismatch,
            "{word}"
        );
    }
    let undigested = Owned::new("GET", "/b/k", &[("Host", "h")], b"").signed("s3", at(AT));
    assert_eq!(
        undigested.verify("s3", at(AT)),
        Err(invalid(
            "Missing required header for this request: x-amz-content-sha256"
        ))
    );
}
