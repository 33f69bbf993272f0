//! Chunk signatures: the two worked examples of the S3 manual, and bodies that differ from them.

use super::{Owned, at};
use crate::Secret;
use crate::sigv4::{Presented, Request, Rules, SignatureError, SigningKey, decode_unverified};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const CREDENTIAL: &str = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";

fn body(ends: [&str; 3], trailers: &str) -> Vec<u8> {
    let [first, second, last] = ends;
    let mut body = format!("10000;chunk-signature={first}\r\n{}\r\n", "a".repeat(65536));
    body += &format!("400;chunk-signature={second}\r\n{}\r\n", "a".repeat(1024));
    body += &format!("0;chunk-signature={last}\r\n{trailers}\r\n");
    body.into_bytes()
}

fn upload(body: Vec<u8>, word: &str, extra: &[(&str, &str)], names: &str, signature: &str) -> Owned {
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={CREDENTIAL},SignedHeaders={names},Signature={signature}");
    let mut headers = vec![
        ("Host", "s3.amazonaws.com"),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("Authorization", &authorization),
        ("x-amz-content-sha256", word),
        ("Content-Encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
    ];
    headers.extend_from_slice(extra);
    Owned::new("PUT", "/examplebucket/chunkObject.txt", &headers, &body)
}

fn plain(body: Vec<u8>) -> Owned {
    let names = "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;\
                 x-amz-decoded-content-length;x-amz-storage-class";
    let signature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    upload(
        body,
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        &[("Content-Length", "66824")],
        names,
        signature,
    )
}

const PLAIN: [&str; 3] = [
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
];

fn trailing(body: Vec<u8>) -> Owned {
    let names = "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;\
                 x-amz-storage-class;x-amz-trailer";
    let signature = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
    let extra = [("x-amz-trailer", "x-amz-checksum-crc32c")];
    upload(
        body,
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        &extra,
        names,
        signature,
    )
}

const TRAILING: [&str; 3] = [
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
];
const TRAILERS: &str = "x-amz-checksum-crc32c:sOO8/Q==\r\n\
     x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n";

fn verify(upload: &Owned) -> Result<usize, SignatureError> {
    let (request, rules) = (upload.request(), Rules::of("s3"));
    let presented = Presented::read(&request)?.unwrap();
    presented.check(&upload.headers, &rules, at("20130524T000000Z"))?;
    let key = SigningKey::derive(&Secret::new(SECRET.into()), presented.credential());
    Ok(presented.verify(&request, &rules, &key)?.unwrap().len())
}

#[test]
fn the_examples_of_the_manual_verify() {
    assert_eq!(verify(&plain(body(PLAIN, ""))), Ok(66560));
    assert_eq!(verify(&trailing(body(TRAILING, TRAILERS))), Ok(66560));
}

#[test]
fn every_byte_of_the_body_counts() {
    let body = body(PLAIN, "");
    for index in [
        0,
        20,
        100,
        65_000,
        body.len() - 100,
        body.len() - 10,
        body.len() - 1,
    ] {
        let mut changed = body.clone();
        changed[index] ^= 1;
        assert!(verify(&plain(changed)).is_err(), "{index}");
    }
    assert!(
        verify(&plain(body[..body.len() - 90].to_vec())).is_err(),
        "without the last chunk"
    );
}

#[test]
fn chunks_cannot_be_left_out_or_go_unsigned() {
    let unsigned = format!("10400\r\n{}\r\n0\r\n\r\n", "a".repeat(66560));
    assert_eq!(
        verify(&plain(unsigned.into_bytes())),
        Err(SignatureError::Mismatch)
    );
    let [_, second, last] = PLAIN;
    assert_eq!(
        verify(&plain(body([second, second, last], ""))),
        Err(SignatureError::Mismatch)
    );
}

#[test]
fn trailers_are_signed_too() {
    let changed = TRAILERS.replace("sOO8", "sOO9");
    assert_eq!(
        verify(&trailing(body(TRAILING, &changed))),
        Err(SignatureError::Mismatch)
    );
    assert_eq!(
        verify(&trailing(body(TRAILING, ""))),
        Err(SignatureError::Mismatch)
    );
    assert_eq!(
        verify(&plain(body(PLAIN, TRAILERS))),
        Err(SignatureError::Body("unannounced trailers"))
    );
}

#[test]
fn without_verification_only_the_framing_is_read() {
    let mut upload = plain(body(["", "0", "x"], ""));
    assert_eq!(
        decode_unverified(&upload.request()).unwrap().unwrap().len(),
        66560
    );
    upload
        .headers
        .insert("x-amz-decoded-content-length", "66561".parse().unwrap());
    assert!(decode_unverified(&upload.request()).is_err());
    let whole = Owned::default();
    assert_eq!(
        decode_unverified(&Request {
            body: b"0\r\n",
            ..whole.request()
        }),
        Ok(None)
    );
}
