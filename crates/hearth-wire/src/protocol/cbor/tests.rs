//! Examples of RFC 8949, what is refused, and properties.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::{Member, Shape};

static TEXT: Shape = Shape::string("Text");
static LONG: Shape = Shape::long("Long");
static DOUBLE: Shape = Shape::double("Double");
static FLAG: Shape = Shape::boolean("Flag");
static TIME: Shape = Shape::timestamp("Time");
static BYTES: Shape = Shape::blob("Bytes");
static TEXTS: Shape = Shape::list("Texts", &TEXT);
static TIMES: Shape = Shape::list("Times", &TIME);
static DOUBLES: Shape = Shape::map("Doubles", &TEXT, &DOUBLE);
static ALL: Shape = Shape::structure(
    "All",
    &[
        Member::new("Text", &TEXT),
        Member::new("Long", &LONG),
        Member::new("Double", &DOUBLE),
        Member::new("Flag", &FLAG),
        Member::new("Bytes", &BYTES),
        Member::new("Texts", &TEXTS),
        Member::new("Times", &TIMES),
        Member::new("Doubles", &DOUBLES),
        Member::new("Inner", &INNER),
    ],
);
static INNER: Shape = Shape::structure("Inner", &[Member::new("All", &ALL)]);

/// The member `name` of a body that holds only that.
fn read_member(name: &str, item: &[u8]) -> Value {
    let mut body = vec![0xa1, 0x60 | name.len() as u8];
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(item);
    parse(&ALL, &body).unwrap()[name].take()
}

fn refusal(body: &[u8]) -> String {
    let error = parse(&ALL, body).unwrap_err();
    assert_eq!((&*error.code, error.status), ("SerializationException", 400));
    error.message
}

#[test]
fn numbers_of_every_width_are_read() {
    for (item, expected) in [
        (&b"\x00"[..], json!(0)),
        (b"\x17", json!(23)),
        (b"\x18\x64", json!(100)),
        (b"\x19\x03\xe8", json!(1000)),
        (b"\x1a\x00\x0f\x42\x40", json!(1_000_000)),
        (
            b"\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00",
            json!(1_000_000_000_000_u64),
        ),
        (b"\x20", json!(-1)),
        (b"\x39\x03\xe7", json!(-1000)),
        (b"\x3b\x7f\xff\xff\xff\xff\xff\xff\xff", json!(i64::MIN)),
        (b"\xf9\x3c\x00", json!(1.0)),
        (b"\xf9\xc4\x00", json!(-4.0)),
        (b"\xf9\x00\x01", json!(5.960464477539063e-8)),
        (b"\xf9\x7b\xff", json!(65504.0)),
        (b"\xfa\x47\xc3\x50\x00", json!(100_000.0)),
        (b"\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a", json!(1.1)),
    ] {
        assert_eq!(read_member("Double", item), expected, "{item:x?}");
    }
}

#[test]
fn what_json_does_not_have_becomes_null() {
    for item in [&b"\xf9\x7c\x00"[..], b"\xf9\x7e\x00", b"\xf6", b"\xf7"] {
        assert_eq!(read_member("Double", item), Value::Null, "{item:x?}");
    }
}

#[test]
fn tags_are_stepped_over() {
    assert_eq!(
        read_member(
            "Times",
            b"\x82\xc1\x1a\x51\x4b\x67\xb0\xc1\xfb\x41\xd4\x52\xd9\xec\x20\x00\x00"
        ),
        json!([1_363_896_240, 1_363_896_240.5])
    );
    assert_eq!(read_member("Text", b"\xd8\x20\x61a"), json!("a"));
}

#[test]
fn items_of_indefinite_length_are_read() {
    assert_eq!(
        read_member("Text", b"\x7f\x65strea\x64ming\xff"),
        json!("streaming")
    );
    assert_eq!(
        read_member("Bytes", b"\x5f\x42\x01\x02\x41\x03\xff"),
        json!("AQID")
    );
    assert_eq!(read_member("Texts", b"\x9f\x61a\x61b\xff"), json!(["a", "b"]));
    assert_eq!(
        parse(&ALL, b"\xbf\x64Flag\xf5\x67Doubles\xbf\x61k\x01\xff\xff").unwrap(),
        json!({"Flag": true, "Doubles": {"k": 1}})
    );
}

#[test]
fn unknown_members_and_parts_of_wrong_types_are_not_kept() {
    let body = b"\xa3\x64Nope\xa1\x61a\x81\x42\x00\x01\x65Texts\xa1\x61a\x01\x64Text\x81\x01";
    assert_eq!(parse(&ALL, body).unwrap(), json!({"Texts": {}, "Text": []}));
}

#[test]
fn an_empty_body_is_an_empty_structure() {
    assert_eq!(parse(&ALL, b"").unwrap(), json!({}));
    assert_eq!(parse(&ALL, b"\xa0").unwrap(), json!({}));
}

#[test]
fn broken_bodies_are_refused() {
    let why = |what: &str| format!("Could not parse request body into cbor: {what}");
    for (body, expected) in [
        (&b"\xa1"[..], "the end comes too early"),
        (b"\xa1\x64Text\x62a", "the end comes too early"),
        (b"\xbf\x64Text\x61a", "the end comes too early"),
        (b"\xa0\xa0", "something follows the value"),
        (b"\xa1\x64Text\x61\xff", "a text is not UTF-8"),
        (b"\xa1\x01\x01", "a key is no text"),
        (b"\xa1\x64Text\x1c", "an item of an unknown kind"),
        (b"\xa1\x64Text\xe0", "an item of an unknown kind"),
        (b"\xa1\x64Text\x7f\x41a\xff", "an item of an unknown kind"),
        (b"\xff", "an item of an unknown kind"),
    ] {
        assert_eq!(refusal(body), why(expected), "{body:x?}");
    }
    assert_eq!(
        refusal(b"\xa1\x64Text\x41a"),
        "BLOB_VALUE can not be converted to a String"
    );
    assert_eq!(
        refusal(b"\xa1\x65Bytes\x61a"),
        "STRING_VALUE can not be converted to a Blob"
    );
}

#[test]
fn lengths_that_are_only_promised_are_not_believed() {
    for kind in [0x5b, 0x7b, 0x9b, 0xbb] {
        for name in ["Text", "Bytes", "Texts", "Doubles", "Nope"] {
            let mut body = vec![0xa1, 0x60 | name.len() as u8];
            body.extend_from_slice(name.as_bytes());
            body.push(kind);
            body.extend_from_slice(&u64::MAX.to_be_bytes());
            assert!(refusal(&body).contains("too early"), "{kind:x} {name}");
        }
    }
}

#[test]
fn deep_and_wide_bodies_are_refused() {
    for nested in [&b"\x81"[..], b"\xc1", b"\x9f", b"\xa1\x61a"] {
        let mut body = b"\xa1\x64Nope".to_vec();
        body.extend_from_slice(&nested.repeat(100_000));
        assert!(refusal(&body).contains("the nesting is too deep"), "{nested:x?}");
    }
    let mut wide = b"\xa1\x65Texts\x9f".to_vec();
    wide.extend_from_slice(&[0x60].repeat(200_000));
    assert!(refusal(&wide).contains("too many values"));
}

#[test]
fn heads_take_as_few_bytes_as_they_can() {
    for (value, expected) in [
        (json!(23), &b"\x17"[..]),
        (json!(24), b"\x18\x18"),
        (json!(255), b"\x18\xff"),
        (json!(256), b"\x19\x01\x00"),
        (json!(65_536), b"\x1a\x00\x01\x00\x00"),
        (json!(4_294_967_296_u64), b"\x1b\x00\x00\x00\x01\x00\x00\x00\x00"),
        (json!(-1), b"\x20"),
        (json!(-500), b"\x39\x01\xf3"),
        (json!(1.5), b"\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00"),
        (json!([null, true, false, "a", {}]), b"\x85\xf6\xf5\xf4\x61a\xa0"),
    ] {
        let mut out = Vec::new();
        write_untyped(&mut out, &value);
        assert_eq!(out, expected, "{value}");
    }
}

#[test]
fn the_shape_says_how_a_value_is_written() {
    let tree = json!({"Double": 1, "Times": [1], "Bytes": "AAE=", "Text": null});
    let mut out = Vec::new();
    write(&mut out, &ALL, &tree).unwrap();
    let expected = b"\xa3\x66Double\xfb\x3f\xf0\0\0\0\0\0\0\x65Bytes\x42\x00\x01\x65Times\x81\xc1\xfb\x3f\xf0\0\0\0\0\0\0";
    assert_eq!(out, expected);
}

fn tree() -> impl Strategy<Value = Value> {
    let flat = (
        "\\PC{0,40}",
        any::<i64>(),
        prop::num::f64::NORMAL,
        any::<bool>(),
        proptest::collection::vec(any::<u8>(), 0..300),
        proptest::collection::vec("[a-z]{0,3}", 0..30),
        proptest::collection::vec(0.0..1e11, 0..5),
        proptest::collection::btree_map("[a-z]{1,5}", prop::num::f64::NORMAL, 0..4),
    );
    let flat = flat.prop_map(|(text, long, double, flag, bytes, texts, times, doubles)| {
        json!({
            "Text": text, "Long": long, "Double": double, "Flag": flag, "Bytes": STANDARD.encode(bytes),
            "Texts": texts, "Times": times, "Doubles": doubles,
        })
    });
    flat.prop_recursive(5, 20, 2, |inner| {
        inner.prop_map(|inner| json!({"Inner": {"All": inner}}))
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(tree in tree()) {
        let mut body = Vec::new();
        write(&mut body, &ALL, &tree).unwrap();
        prop_assert_eq!(parse(&ALL, &body).unwrap(), tree);
    }

    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = parse(&ALL, &body);
    }

    #[test]
    fn a_broken_body_is_read_or_refused(tree in tree(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = Vec::new();
        write(&mut body, &ALL, &tree).unwrap();
        let at = at.index(body.len());
        body[at] = byte;
        let _ = parse(&ALL, &body);
        prop_assert!(parse(&ALL, &body[..at]).is_err() || at == 0);
    }
}
