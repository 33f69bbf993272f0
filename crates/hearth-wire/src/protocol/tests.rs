//! Requests and answers of a small service, in every protocol.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt as _;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::CommonError;
use crate::model::{ErrorModel, Member, Shape, TimeFormat};

static TEXT: Shape = Shape::string("Text");
static NUMBER: Shape = Shape::integer("Number");
static REAL: Shape = Shape::double("Real");
static FLAG: Shape = Shape::boolean("Flag");
static TIME: Shape = Shape::timestamp("Time");
static BYTES: Shape = Shape::blob("Bytes");
static TEXTS: Shape = Shape::list("Texts", &TEXT);
static NUMBERS: Shape = Shape::list("Numbers", &NUMBER);
static TIMES: Shape = Shape::list("Times", &TIME);
static TEXT_MAP: Shape = Shape::map("TextMap", &TEXT, &TEXT);
static LISTS_MAP: Shape = Shape::map("ListsMap", &TEXT, &TEXTS);

static BOUND: Shape = Shape::structure(
    "Bound",
    &[
        Member::new("Name", &TEXT).label("Name").required(),
        Member::new("Numbers", &NUMBERS).query("number"),
        Member::new("Since", &TIME).query("since"),
        Member::new("Epoch", &TIME)
            .query("epoch")
            .time_format(TimeFormat::UnixSeconds),
        Member::new("All", &LISTS_MAP).query(""),
        Member::new("Texts", &TEXTS).header("X-Texts"),
        Member::new("Times", &TIMES).header("X-Times"),
        Member::new("Meta", &TEXT_MAP).headers("X-Meta-"),
        Member::new("Flag", &FLAG).header("X-Flag"),
        Member::new("Body", &TEXT),
        Member::new("Renamed", &TEXT).key("renamed"),
    ],
);
static PAYLOAD: Shape = Shape::structure(
    "Payload",
    &[
        Member::new("Status", &NUMBER).status_code(),
        Member::new("Times", &TIMES).header("X-Times"),
        Member::new("Texts", &TEXTS).header("X-Texts"),
        Member::new("Bytes", &BYTES),
    ],
)
.payload("Bytes");
static NESTED: Shape = Shape::structure(
    "Nested",
    &[
        Member::new("Texts", &TEXTS),
        Member::new("Map", &LISTS_MAP),
        Member::new("Real", &REAL),
        Member::new("Flag", &FLAG),
        Member::new("Time", &TIME),
        Member::new("Inner", &INNER),
    ],
);
static INNER: Shape = Shape::structure(
    "Inner",
    &[Member::new("Bytes", &BYTES), Member::new("Deeper", &NESTED)],
);

static OPERATIONS: [OperationModel; 2] = [
    OperationModel::new("Bound", "POST", "/x/{Name}")
        .implemented(Some(&BOUND), Some(&PAYLOAD))
        .status(201),
    OperationModel::new("Nested", "POST", "/")
        .implemented(Some(&NESTED), Some(&NESTED))
        .wrapped("NestedResult"),
];
static ERRORS: [ErrorModel; 1] = [ErrorModel {
    shape: "GoneException",
    code: "Gone",
    status: 410,
    message: "Message",
    typed: true,
}];

const QUERY: Protocol = Protocol::Query {
    namespace: "urn:test",
};
const JSON: Protocol = Protocol::AwsJson {
    version: "1.1",
    target_prefix: "T",
};

const CBOR: Protocol = Protocol::RpcCbor { service: "S" };

static SERVICE: ServiceModel = ServiceModel {
    name: "test",
    signing_name: "test",
    version: "1",
    protocols: &[Protocol::RestJson, JSON, QUERY, CBOR],
    query_compatible: true,
    validation_error: "ValidationException",
    operations: &OPERATIONS,
    errors: &ERRORS,
};

fn bytes_of(response: Response<Body>) -> Bytes {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let body = runtime.block_on(response.into_body().collect());
    body.unwrap().to_bytes()
}

fn text_of(response: Response<Body>) -> String {
    String::from_utf8(bytes_of(response).to_vec()).unwrap()
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
        .collect()
}

#[test]
fn rest_json_collects_members_from_everywhere() {
    let pairs = [
        ("number", "1"),
        ("since", "2026-01-01T00:00:00.5Z"),
        ("epoch", "1.5"),
        ("number", "2"),
    ];
    let request = RawRequest {
        labels: vec![("Name", "n".to_owned())],
        query: pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        headers: headers(&[
            ("x-texts", r#"a, "b, \"c\"" ,d"#),
            ("x-texts", "e"),
            (
                "x-times",
                "Thu, 01 Jan 1970 00:00:01 GMT, Thu, 01 Jan 1970 00:00:02 GMT",
            ),
            ("x-meta-a", "1"),
            ("x-flag", "true"),
        ]),
        body: Bytes::from_static(
            br#"{"Body":"b","renamed":"r","Renamed":"no","Flag":false,"Name":"no","X":1}"#,
        ),
    };
    let tree = read(&SERVICE, Protocol::RestJson, &OPERATIONS[0], request).unwrap();
    let all = json!({
        "number": ["1", "2"], "since": ["2026-01-01T00:00:00.5Z"], "epoch": ["1.5"],
    });
    assert_eq!(
        tree,
        json!({
            "Name": "n", "Numbers": [1, 2], "Since": 1_767_225_600.5, "Epoch": 1.5, "All": all,
            "Texts": ["a", "b, \"c\"", "d", "e"], "Times": [1.0, 2.0], "Meta": {"a": "1"},
            "Flag": true, "Body": "b", "renamed": "r",
        })
    );
}

#[test]
fn a_body_cannot_stand_in_for_a_header_or_a_label() {
    let body = Bytes::from_static(br#"{"Texts":["smuggled"],"Name":"smuggled"}"#);
    let error = read(
        &SERVICE,
        Protocol::RestJson,
        &OPERATIONS[0],
        RawRequest {
            body,
            ..RawRequest::default()
        },
    );
    assert_eq!(
        error.unwrap_err().message,
        "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null"
    );
}

#[test]
fn rest_json_writes_bytes_headers_and_status() {
    let tree = json!({"Status": 202, "Times": [1, 2.5], "Texts": ["a", "b,c", "d\"e"], "Bytes": "AAE="});
    let response = write(Protocol::RestJson, &OPERATIONS[0], tree, RequestId::new()).unwrap();
    assert_eq!(response.status(), 202);
    assert_eq!(
        response.headers()["x-times"],
        "Thu, 01 Jan 1970 00:00:01 GMT, Thu, 01 Jan 1970 00:00:02 GMT"
    );
    assert_eq!(response.headers()["x-texts"], r#"a, "b,c", "d\"e""#);
    assert_eq!(text_of(response), "\0\u{1}");
    let empty = write(Protocol::RestJson, &OPERATIONS[0], json!({}), RequestId::new()).unwrap();
    assert_eq!(empty.status(), 201);
    assert_eq!(text_of(empty), "");
}

#[test]
fn an_answer_that_no_header_can_carry_is_a_failure_of_ours() {
    let tree = json!({"Texts": ["a\nb"]});
    let error = write(Protocol::RestJson, &OPERATIONS[0], tree, RequestId::new()).unwrap_err();
    assert_eq!(error.status, 500);
}

#[test]
fn forms_become_trees() {
    let body = "Action=Nested&Version=1&Texts.member.2=b&Texts.member.10=c&Texts.member.1=a+%2B\
                &Map.entry.1.key=k&Map.entry.1.value.member.1=v&Real=1.5&Flag=true\
                &Time=1970-01-01T00%3A00%3A01Z&Inner.Bytes=AAE%3D&Inner.Deeper.Texts=&Unknown.x=1";
    let request = RawRequest {
        body: Bytes::from_static(body.as_bytes()),
        ..RawRequest::default()
    };
    assert_eq!(
        read(&SERVICE, QUERY, &OPERATIONS[1], request).unwrap(),
        json!({
            "Texts": ["a +", "b", "c"], "Map": {"k": ["v"]}, "Real": 1.5, "Flag": true, "Time": 1.0,
            "Inner": {"Bytes": "AAE=", "Deeper": {"Texts": []}},
        })
    );
}

#[test]
fn trees_become_xml() {
    let id = RequestId::new();
    let tree = json!({
        "Texts": ["<a>"], "Map": {"k": ["v"]}, "Real": 1.5, "Flag": true, "Time": 1,
        "Inner": {"Bytes": "AAE=", "Deeper": {}},
    });
    let response = write(QUERY, &OPERATIONS[1], tree, id).unwrap();
    assert_eq!(response.headers()["content-type"], "text/xml");
    assert_eq!(
        text_of(response),
        format!(
            "<NestedResponse xmlns=\"urn:test\"><NestedResult><Texts><member>&lt;a&gt;</member></Texts>\
             <Map><entry><key>k</key><value><member>v</member></value></entry></Map><Real>1.5</Real>\
             <Flag>true</Flag><Time>1970-01-01T00:00:01Z</Time>\
             <Inner><Bytes>AAE=</Bytes><Deeper></Deeper></Inner></NestedResult>\
             <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></NestedResponse>"
        )
    );
}

#[test]
fn what_cbor_writes_it_reads() {
    let tree = json!({
        "Texts": ["a"], "Map": {"k": ["v"]}, "Real": 1.5, "Flag": true, "Time": 1.0,
        "Inner": {"Bytes": "AAE=", "Deeper": {"Texts": []}},
    });
    let response = write(CBOR, &OPERATIONS[1], tree.clone(), RequestId::new()).unwrap();
    let request = RawRequest {
        body: bytes_of(response),
        ..RawRequest::default()
    };
    assert_eq!(read(&SERVICE, CBOR, &OPERATIONS[1], request).unwrap(), tree);
}

#[test]
fn each_protocol_writes_errors_its_own_way() {
    let id = RequestId::new();
    let gone = || {
        AwsError::modeled(&SERVICE, "Gone", "It is gone.")
            .with_member("Reason", "Age")
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("7"))
    };
    let rest = write_error(Protocol::RestJson, Some(&SERVICE), gone(), id);
    assert_eq!(
        (rest.status().as_u16(), &rest.headers()["retry-after"]),
        (410, &HeaderValue::from_static("7"))
    );
    assert_eq!(rest.headers()["x-amzn-errortype"], "Gone");
    let body: Value = serde_json::from_str(&text_of(rest)).unwrap();
    assert_eq!(
        body,
        json!({"Type": "User", "Message": "It is gone.", "Reason": "Age"})
    );

    let aws_json = write_error(JSON, Some(&SERVICE), gone(), id);
    assert_eq!(aws_json.headers()["content-type"], "application/x-amz-json-1.1");
    let body: Value = serde_json::from_str(&text_of(aws_json)).unwrap();
    assert_eq!(
        body,
        json!({"__type": "GoneException", "message": "It is gone.", "Reason": "Age"})
    );

    let cbor = write_error(CBOR, Some(&SERVICE), gone(), id);
    assert_eq!(cbor.headers()["content-type"], "application/cbor");
    assert_eq!(cbor.headers()["smithy-protocol"], "rpc-v2-cbor");
    assert_eq!(cbor.headers()["x-amzn-query-error"], "Gone;Sender");
    let expected =
        b"\xa3\x67Message\x6bIt is gone.\x66Reason\x63Age\x66__type\x78\x20com.amazonaws.test#GoneException";
    assert_eq!(bytes_of(cbor), &expected[..]);

    let denied = AwsError::common(CommonError::InvalidSignature, "No & no");
    let query = write_error(QUERY, Some(&SERVICE), denied, id);
    assert_eq!(query.status(), 403);
    assert_eq!(
        text_of(query),
        format!(
            "<ErrorResponse xmlns=\"urn:test\"><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code>\
             <Message>No &amp; no</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"
        )
    );
}

proptest! {
    #[test]
    fn any_form_is_read_or_refused(body in "[A-Za-z0-9.=&%+]{0,80}") {
        let body = format!("Texts.member.1=a&Inner.{body}");
        let request = RawRequest { body: Bytes::from(body), ..RawRequest::default() };
        let _ = read(&SERVICE, QUERY, &OPERATIONS[1], request);
    }

    #[test]
    fn header_lists_survive(texts in proptest::collection::vec("[ -~]{1,6}", 1..5)) {
        let texts: Vec<String> = texts.iter().map(|text| text.trim().to_owned()).collect();
        prop_assume!(texts.iter().all(|text| !text.is_empty()));
        let tree = json!({"Texts": texts});
        let response = write(Protocol::RestJson, &OPERATIONS[0], tree, RequestId::new()).unwrap();
        let request = RawRequest {
            labels: vec![("Name", "n".to_owned())],
            headers: response.headers().clone(),
            ..RawRequest::default()
        };
        let tree = read(&SERVICE, Protocol::RestJson, &OPERATIONS[0], request).unwrap();
        prop_assert_eq!(&tree["Texts"], &json!(texts));
    }

    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..80)) {
        for protocol in [QUERY, JSON, CBOR, Protocol::RestJson] {
            let request = RawRequest { body: Bytes::from(body.clone()), ..RawRequest::default() };
            let _ = read(&SERVICE, protocol, &OPERATIONS[1], request);
        }
    }
}
