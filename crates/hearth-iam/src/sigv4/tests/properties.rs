//! Properties of all requests: what was signed verifies, what was changed does not, and no input panics.

use http::{HeaderName, HeaderValue, Method, Uri};
use proptest::prelude::*;
use proptest::sample::Index;

use super::{Owned, at, collect};
use crate::sigv4::payload::CONTENT_SHA256;
use crate::sigv4::{Presented, Rules, SigningKey, decode_unverified};

const AT: &str = "20260101T120000Z";

fn target() -> impl Strategy<Value = String> {
    let path = "(/([a-zA-Z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}|é){0,6}){1,6}";
    let query = "([a-zA-Z0-9._~!$'()*+,;:@/=&?-]|%[0-9A-Fa-f]{2}|é){0,40}";
    (path, proptest::option::of(query)).prop_map(|(path, query)| match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    })
}

fn header() -> impl Strategy<Value = (HeaderName, HeaderValue)> {
    let value = proptest::collection::vec(prop_oneof![32_u8..127, 128_u8..=255, Just(b'\t')], 0..20);
    ("(x-amz-meta-|x-)[a-c]{1,2}", value).prop_map(|(name, value)| {
        (
            HeaderName::try_from(name).unwrap(),
            HeaderValue::from_bytes(&value).unwrap(),
        )
    })
}

fn request() -> impl Strategy<Value = Owned> {
    let method = prop_oneof![Just(Method::GET), Just(Method::PUT), Just(Method::POST)];
    let headers = proptest::collection::vec(header(), 0..6);
    let body = proptest::collection::vec(any::<u8>(), 0..64);
    (method, target(), headers, body).prop_map(|(method, target, headers, body)| {
        let mut headers = collect(headers.into_iter());
        headers.insert("host", HeaderValue::from_static("localhost:4566"));
        Owned {
            method,
            uri: target.parse().unwrap(),
            headers,
            body,
        }
    })
}

proptest! {
    #[test]
    fn what_was_signed_verifies(request in request(), service in prop_oneof![Just("lambda"), Just("s3")]) {
        let mut request = request;
        if service == "s3" {
            request.headers.insert(CONTENT_SHA256, HeaderValue::from_static("UNSIGNED-PAYLOAD"));
        }
        let signed = request.signed(service, at(AT));
        prop_assert_eq!(signed.verify(service, at(AT)), Ok(None));
    }

    #[test]
    fn a_flipped_bit_fails(request in request(), part in any::<Index>(), place in any::<Index>(), bit in 0..8_u32) {
        let signed = request.signed("lambda", at(AT));
        if let Some(changed) = flip(&signed, part, place, 1 << bit) {
            prop_assert!(changed.verify("lambda", at(AT)).is_err(), "{:?}", changed);
        }
    }

    #[test]
    fn authorization_headers_never_panic(
        value in "(AWS4-HMAC-SHA256 )?((Credential|SignedHeaders|Signature|[a-zA-Z]{0,3})=?[ -~]{0,20},? ?){0,5}",
        date in "[ -~]{0,20}|20[0-9]{6}T[0-9]{6}Z",
    ) {
        let request = Owned::new("GET", "/", &[("Host", "h"), ("Authorization", &value), ("X-Amz-Date", &date)], b"");
        survive(&request);
    }

    #[test]
    fn queries_never_panic(
        pairs in proptest::collection::vec(
            ("X-Amz-(Algorithm|Credential|Date|Expires|SignedHeaders|Signature|Security-Token)|[ -~]{0,4}",
             "AWS4-HMAC-SHA256|a/20260101/r/lambda/aws4_request|20260101T120000Z|[0-9]{0,30}|[ -~]{0,8}"),
            0..10,
        ),
    ) {
        let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        if let Ok(uri) = format!("/?{}", pairs.join("&")).parse::<Uri>() {
            survive(&Owned { uri, ..Owned::default() });
        }
    }

    #[test]
    fn chunked_bodies_never_panic(
        body in "([0-9a-fA-F]{0,17}(;chunk-signature=[0-9a-f]{0,64})?(\r\n)?[ -~]{0,8}(\r\n)?){0,6}",
        noise in proptest::collection::vec(any::<u8>(), 0..16),
        word in "STREAMING-(AWS4-HMAC-SHA256|UNSIGNED)-PAYLOAD(-TRAILER)?",
    ) {
        for body in [[body.as_bytes(), &noise].concat(), [&noise, body.as_bytes()].concat()] {
            let request = Owned::new("PUT", "/", &[("X-Amz-Content-Sha256", &word)], &body);
            if let Ok(Some(decoded)) = decode_unverified(&request.request()) {
                prop_assert!(decoded.len() < body.len());
            }
        }
    }

    #[test]
    fn chunks_come_back_as_they_were_cut(chunks in proptest::collection::vec("[ -~]{1,40}", 0..5)) {
        let mut body: String = chunks.iter().map(|data| format!("{:x}\r\n{data}\r\n", data.len())).collect();
        body.push_str("0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n");
        let headers = [("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")];
        let request = Owned::new("PUT", "/", &headers, body.as_bytes());
        prop_assert_eq!(decode_unverified(&request.request()).unwrap().unwrap(), chunks.concat());
    }
}

fn survive(request: &Owned) {
    let rules = Rules::of("lambda");
    if let Ok(Some(presented)) = Presented::read(&request.request()) {
        let checked = presented.check(&request.headers, &rules, at(AT));
        let key = SigningKey::derive(&crate::Secret::new("secret".into()), presented.credential());
        let verified = presented.verify(&request.request(), &rules, &key);
        assert!(
            checked.is_err() || verified.is_err(),
            "nobody guesses a signature"
        );
    }
}

/// Changes one bit of the path, of a header's value or of the body; `None` where the change is no longer
/// a request, or where both spellings mean the same by the rules of the canonical form.
fn flip(signed: &Owned, part: Index, place: Index, bit: u8) -> Option<Owned> {
    let mut changed = signed.clone();
    let names: Vec<HeaderName> = signed.headers.keys().cloned().collect();
    let index = part.index(names.len() + 2);
    if let Some(name) = names.get(index) {
        let value = flipped(signed.headers[name].as_bytes(), place, bit)?;
        changed
            .headers
            .insert(name, HeaderValue::from_bytes(&value).ok()?);
    } else if index == names.len() {
        changed.body = flipped(&signed.body, place, bit)?;
    } else {
        let target = flipped(signed.uri.to_string().as_bytes(), place, bit)?;
        changed.uri = Uri::try_from(target).ok()?;
    }
    (canonical(&changed) != canonical(signed)).then_some(changed)
}

fn flipped(bytes: &[u8], place: Index, bit: u8) -> Option<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    let index = (!bytes.is_empty()).then(|| place.index(bytes.len()))?;
    bytes[index] ^= bit;
    Some(bytes)
}

/// The request with the spellings unified that the canonical form does not tell apart.
fn canonical(request: &Owned) -> (String, String, Vec<Vec<u8>>, Vec<u8>) {
    let rules = Rules::of("lambda");
    let path = crate::sigv4::canonical::path(request.uri.path(), &rules);
    let query = crate::sigv4::canonical::query(request.uri.query().unwrap_or_default(), false);
    let values = request.headers.values().map(|value| {
        let words = value
            .as_bytes()
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(&b' ')
    });
    (path, query, values.collect(), request.body.clone())
}
