//! Whatever is sent or returned, a URL answers, and what it hands over is what it was given.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Config, Fake, Function, ID, Sent};

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(work)
}

fn sent(line: String) -> Sent {
    Sent {
        line,
        headers: vec![("host".into(), format!("{ID}.lambda-url.us-east-1.localhost:4566"))],
        body: None,
        base64: None,
    }
}

fn returning(payload: String) -> Fake {
    let function = Function {
        returns_text: Some(payload),
        ..Function::default()
    };
    Fake::new(Config::default(), function)
}

/// Parts of a response, right and wrong.
fn part() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (0..1000u16).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::collection::vec(".{0,8}", 0..3).prop_map(Value::from),
        prop::collection::btree_map("[a-zA-Z -]{0,8}", ".{0,8}", 0..3)
            .prop_map(|map| Value::Object(map.into_iter().map(|(key, value)| (key, value.into())).collect())),
    ]
}

proptest! {
    #[test]
    fn any_returned_object_is_answered(status in part(), headers in part(), cookies in part(), body in part(), base64 in part()) {
        let payload = json!({
            "statusCode": status, "headers": headers, "cookies": cookies, "body": body, "isBase64Encoded": base64,
        });
        let response = block_on(returning(payload.to_string()).send(&sent("GET /".into()))).unwrap();
        prop_assert!(response.status().as_u16() >= 200);
    }

    #[test]
    fn any_returned_text_is_answered(payload in ".{0,60}") {
        let response = block_on(returning(payload).send(&sent("GET /".into()))).unwrap();
        prop_assert!(matches!(response.status().as_u16(), 200 | 502));
    }

    #[test]
    fn bodies_come_through_both_ways(bytes in prop::collection::vec(any::<u8>(), 1..200), text in any::<bool>()) {
        let payload = json!({"statusCode": 200, "body": STANDARD.encode(&bytes), "isBase64Encoded": true});
        let fake = returning(payload.to_string());
        let mut request = sent("POST /".into());
        request.base64 = Some(STANDARD.encode(&bytes));
        let kind = if text { "text/plain" } else { "application/octet-stream" };
        request.headers.push(("content-type".into(), kind.into()));
        let response = block_on(fake.send(&request)).unwrap();
        let body = block_on(response.into_body().collect()).unwrap().to_bytes();
        prop_assert_eq!(&body[..], &bytes[..]);
        let event = fake.event().unwrap();
        let got = event["body"].as_str().unwrap();
        match event["isBase64Encoded"].as_bool().unwrap() {
            true => prop_assert_eq!(STANDARD.decode(got).unwrap(), bytes),
            false => prop_assert_eq!(got.as_bytes(), &bytes[..]),
        }
    }

    #[test]
    fn any_target_is_handed_over_as_sent(path in "/[a-zA-Z0-9%._~!$&'()*+,;=:@/-]{0,30}", query in "[a-zA-Z0-9%._=&+;-]{0,30}") {
        let fake = returning("{}".into());
        block_on(fake.send(&sent(format!("GET {path}?{query}")))).unwrap();
        let event = fake.event().unwrap();
        prop_assert_eq!(event["rawPath"].as_str(), Some(path.as_str()));
        prop_assert_eq!(event["rawQueryString"].as_str(), Some(query.as_str()));
    }

    #[test]
    fn any_prelude_is_answered(chunks in prop::collection::vec("[\0-~]{0,20}", 0..4), fails in any::<bool>()) {
        let config = serde_json::from_value(json!({"InvokeMode": "RESPONSE_STREAM"})).unwrap();
        let function = Function {
            streams: Some(chunks),
            content_type: Some("application/vnd.awslambda.http-integration-response".into()),
            fails,
            ..Function::default()
        };
        let response = block_on(Fake::new(config, function).send(&sent("GET /".into()))).unwrap();
        let _ = block_on(response.into_body().collect());
    }
}
