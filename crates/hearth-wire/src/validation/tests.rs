//! The sentences AWS was recorded to answer, and that no input is too odd.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::{OperationModel, ServiceModel};
use crate::{lambda, logs, sts};

fn input(service: &'static ServiceModel, operation: &str) -> &'static Shape {
    let model: &OperationModel = service.operation(operation).unwrap();
    model.shapes.as_ref().unwrap().input.unwrap()
}

/// A CreateFunction request with these members besides the required ones.
fn create(members: Value) -> Result<(), AwsError> {
    let mut tree = json!({
        "FunctionName": "f",
        "Role": "arn:aws:iam::000000000000:role/r",
        "Code": {"ZipFile": ""},
    });
    let Value::Object(members) = members else {
        panic!("members are an object")
    };
    tree.as_object_mut().unwrap().extend(members);
    validate(&lambda::MODEL, input(&lambda::MODEL, "CreateFunction"), &mut tree)
}

fn refused(members: Value) -> String {
    let error = create(members).unwrap_err();
    assert_eq!((&*error.code, error.status), ("ValidationException", 400));
    error.message
}

#[test]
fn a_good_request_passes() {
    create(json!({
        "Timeout": 3, "MemorySize": 128, "Architectures": ["arm64"], "Tags": {"größe": "1"},
        "Environment": {"Variables": {"AB": "x"}}, "Description": null, "Unknown": [1],
    }))
    .unwrap();
}

#[test]
fn each_kind_of_constraint_has_awss_sentence() {
    let sentence = "1 validation error detected: Value";
    for (members, expected) in [
        (
            json!({"Role": "r1"}),
            r"'r1' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+",
        ),
        (
            json!({"Timeout": 0}),
            "'0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (
            json!({"EphemeralStorage": {"Size": 100}}),
            "'100' at 'ephemeralStorage.size' failed to satisfy constraint: Member must have value greater than or equal to 512",
        ),
        (
            json!({"SnapStart": {"ApplyOn": "invalidOption"}}),
            "'invalidOption' at 'snapStart.applyOn' failed to satisfy constraint: Member must satisfy enum value set: [PublishedVersions, None]",
        ),
        (
            json!({"Architectures": ["x86_64", "arm64"]}),
            "'[x86_64, arm64]' at 'architectures' failed to satisfy constraint: Member must have length less than or equal to 1",
        ),
        (
            json!({"Architectures": ["X86_64"]}),
            "'[X86_64]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]",
        ),
        (
            json!({"VpcConfig": {"SubnetIds": ["bad_subnet"]}}),
            "'[bad_subnet]' at 'vpcConfig.subnetIds' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: subnet-[0-9a-z]*]",
        ),
        (
            json!({"KMSKeyArn": "k"}),
            "'k' at 'kMSKeyArn' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()",
        ),
        (
            json!({"Tags": {"#": "v"}}),
            r"'{#=v}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ([\p{L}\p{Z}\p{N}_.:/=+\-@]*)]",
        ),
        (
            json!({"FileSystemConfigs": [{"Arn": "a"}]}),
            r"'a' at 'fileSystemConfigs.1.member.arn' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:aws[a-zA-Z-]*:elasticfilesystem:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:access-point/fsap-[a-f0-9]{17}$|^arn:aws[-a-z]*:s3files:[0-9a-z-:]+:file-system/fs-[0-9a-f]{17,40}/access-point/fsap-[0-9a-f]{17,40}; Value null at 'fileSystemConfigs.1.member.localMountPath' failed to satisfy constraint: Member must not be null",
        ),
    ] {
        let message = refused(members);
        let sentence = match expected.contains("; Value") {
            true => "2 validation errors detected: Value",
            false => sentence,
        };
        assert_eq!(message, format!("{sentence} {expected}"));
    }
}

#[test]
fn sensitive_values_are_not_repeated() {
    assert_eq!(
        refused(json!({"Environment": {"Variables": {"1": "secret"}}})),
        "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: \
         Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]"
    );
}

#[test]
fn all_violations_are_answered_together() {
    let mut tree = json!({"FunctionName": "", "Role": "arn:aws:iam::000000000000:role/r"});
    let error = validate(&lambda::MODEL, input(&lambda::MODEL, "CreateFunction"), &mut tree).unwrap_err();
    let parts: Vec<&str> = error.message.split("; ").collect();
    assert_eq!(parts.len(), 3, "{parts:?}");
    assert!(parts[0].starts_with("3 validation errors detected: Value '' at 'functionName'"));
    assert_eq!(
        parts[2],
        "Value null at 'code' failed to satisfy constraint: Member must not be null"
    );
}

#[test]
fn values_of_other_types_cannot_be_converted() {
    for (members, expected) in [
        (
            json!({"Timeout": "3"}),
            "STRING_VALUE can not be converted to an Integer",
        ),
        (
            json!({"Timeout": 1.5}),
            "DECIMAL_VALUE can not be converted to an Integer",
        ),
        (
            json!({"Timeout": 5_000_000_000_i64}),
            "NUMBER_VALUE can not be converted to an Integer",
        ),
        (
            json!({"Description": 5}),
            "NUMBER_VALUE can not be converted to a String",
        ),
        (
            json!({"Publish": "true"}),
            "STRING_VALUE can not be converted to a Boolean",
        ),
        (
            json!({"Description": {}}),
            "Start of structure or map found where not expected.",
        ),
        (json!({"VpcConfig": []}), "Start of list found where not expected"),
        (json!({"TracingConfig": 5}), "Unexpected field type"),
        (
            json!({"Layers": ["a", 5]}),
            "NUMBER_VALUE can not be converted to a String",
        ),
        (
            json!({"Tags": {"k": true}}),
            "TRUE_VALUE can not be converted to a String",
        ),
    ] {
        let error = create(members).unwrap_err();
        assert_eq!((&*error.code, error.status), ("SerializationException", 400));
        assert_eq!(error.message, expected);
    }
}

#[test]
fn an_unchecked_member_is_left_to_the_service() {
    create(json!({"Runtime": "cobol85"})).unwrap();
}

#[test]
fn long_values_and_many_violations_are_cut() {
    let message = refused(json!({"Description": "x".repeat(1_000_000)}));
    assert!(message.len() < 10_000);
    let bad: Vec<Value> = vec![json!({"Arn": ""}); 1000];
    let message = refused(json!({"FileSystemConfigs": bad}));
    assert!(
        message.starts_with("2001 validation errors detected"),
        "{}",
        &message[..60]
    );
    assert!(message.len() < 400_000);
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "FunctionName",
        "Role",
        "Code",
        "ZipFile",
        "Environment",
        "Variables",
        "Layers",
        "Tags",
        "Timeout",
        "VpcConfig",
        "SubnetIds",
        "FileSystemConfigs",
        "Arn",
        "logGroupName",
        "startTime",
        "limit",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        let name = prop_oneof![names.clone().prop_map(str::to_owned), ".{0,4}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::hash_map(name, inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_accepted_or_refused_and_what_passes_fits_its_structure(tree in any_json()) {
        for (service, name) in [
            (&lambda::MODEL, "CreateFunction"),
            (&lambda::MODEL, "UpdateFunctionConfiguration"),
            (&logs::MODEL, "FilterLogEvents"),
            (&sts::MODEL, "GetCallerIdentity"),
        ] {
            let mut tree = tree.clone();
            if validate(service, input(service, name), &mut tree).is_ok() && name == "FilterLogEvents" {
                serde_json::from_value::<logs::FilterLogEventsRequest>(tree).unwrap();
            }
        }
    }

    #[test]
    fn any_path_and_header_is_accepted_or_refused(name in ".{0,200}", kind in ".{0,20}") {
        let invoke = lambda::MODEL.operation("Invoke").unwrap();
        let request = RawRequest {
            labels: vec![("FunctionName", name)],
            query: vec![("Qualifier".to_owned(), kind)],
            ..RawRequest::default()
        };
        let _ = validate_bound(&lambda::MODEL, invoke.input_members(), &request);
    }
}
