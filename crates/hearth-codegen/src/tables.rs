//! Writes the constant tables of a service: operations, errors and shapes.

use std::fmt::Write as _;

use crate::model::{Metadata, Operation, Reference, Shape};
use crate::names;
use crate::pattern::accepts_words;
use crate::plan::{Plan, builder};
use crate::structs::key;

/// The service's table, with every operation of the model.
pub(crate) fn service(plan: &Plan, name: &str, out: &mut String) {
    let metadata = &plan.model.metadata;
    let signing_name = metadata
        .signing_name
        .as_ref()
        .unwrap_or(&metadata.endpoint_prefix);
    let _ = writeln!(
        out,
        "\npub static MODEL: ServiceModel = ServiceModel {{
    name: \"{name}\",
    signing_name: \"{signing_name}\",
    version: \"{}\",
    protocols: &[{}],
    query_compatible: {},
    validation_error: {:?},
    operations: &OPERATIONS,
    errors: &ERRORS,
}};",
        metadata.api_version,
        protocols(metadata),
        metadata.aws_query_compatible.is_some(),
        plan.implemented.validation_error,
    );
    let operations = &plan.model.operations;
    let _ = writeln!(
        out,
        "\nstatic OPERATIONS: [OperationModel; {}] = [",
        operations.len()
    );
    for (name, model) in operations {
        operation(plan, name, model, out);
    }
    out.push_str("];\n");
    errors(plan, out);
}

fn protocols(metadata: &Metadata) -> String {
    let protocols = metadata.protocols.iter();
    protocols
        .map(|name| protocol(name, metadata))
        .collect::<Vec<_>>()
        .join(", ")
}

fn protocol(name: &str, metadata: &Metadata) -> String {
    match name {
        "json" => format!(
            "Protocol::AwsJson {{ version: {:?}, target_prefix: {:?} }}",
            metadata.json_version.as_deref().unwrap_or("1.0"),
            metadata.target_prefix.as_deref().unwrap_or_default()
        ),
        "query" => format!(
            "Protocol::Query {{ namespace: {:?} }}",
            metadata.xml_namespace.as_deref().unwrap_or_default()
        ),
        "smithy-rpc-v2-cbor" => format!(
            "Protocol::RpcCbor {{ service: {:?} }}",
            metadata.target_prefix.as_deref().unwrap_or_default()
        ),
        _ => "Protocol::RestJson".to_owned(),
    }
}

fn operation(plan: &Plan, name: &str, model: &Operation, out: &mut String) {
    let http = &model.http;
    let uri = &http.request_uri;
    let _ = write!(
        out,
        "    OperationModel::new({name:?}, {:?}, {uri:?})",
        http.method
    );
    if let Some(status) = http.response_code.filter(|status| *status != 200) {
        let _ = write!(out, ".status({status})");
    }
    if let Some(limit) = plan.implemented.body_limit.get(name) {
        let _ = write!(out, ".body_limit({}, {:?})", limit.bytes, limit.message);
    }
    if plan
        .implemented
        .operations
        .iter()
        .any(|implemented| implemented == name)
    {
        let _ = write!(
            out,
            ".implemented({}, {})",
            shape_of(&model.input),
            shape_of(&model.output)
        );
        if let Some(wrapper) = model
            .output
            .as_ref()
            .and_then(|output| output.result_wrapper.as_ref())
        {
            let _ = write!(out, ".wrapped({wrapper:?})");
        }
    }
    out.push_str(",\n");
}

fn shape_of(reference: &Option<Reference>) -> String {
    match reference {
        Some(reference) => format!("Some(&shapes::{})", names::constant(&reference.shape)),
        None => "None".to_owned(),
    }
}

fn errors(plan: &Plan, out: &mut String) {
    let errors: Vec<_> = plan
        .model
        .shapes
        .iter()
        .filter(|(_, shape)| shape.exception)
        .collect();
    let _ = writeln!(out, "\nstatic ERRORS: [ErrorModel; {}] = [", errors.len());
    for (name, shape) in errors {
        let declared = shape.error.as_ref();
        let code = declared.and_then(|error| error.code.as_ref()).unwrap_or(name);
        let status = declared.map_or(if shape.fault { 500 } else { 400 }, |error| {
            error.http_status_code
        });
        let has = |wanted: &str| shape.members.0.iter().any(|(member, _)| member == wanted);
        let message = if has("Message") { "Message" } else { "message" };
        let typed = has("Type");
        let _ = writeln!(
            out,
            "    ErrorModel {{ shape: {name:?}, code: {code:?}, status: {status}, message: {message:?}, typed: {typed} }},"
        );
    }
    out.push_str("];\n");
}

/// The module `shapes` with the shapes that the implemented operations reach.
pub(crate) fn shapes(plan: &Plan, out: &mut String) {
    out.push_str("\nmod shapes {\n    use crate::model::{Member, Pattern, Shape, UNCHECKED};\n\n");
    for (name, model) in plan.shapes() {
        let constant = names::constant(name);
        let _ = write!(out, "    pub(super) static {constant}: Shape = ");
        shape(plan, name, model, out);
        out.push_str(";\n");
    }
    out.push_str("}\n");
}

fn shape(plan: &Plan, name: &str, model: &Shape, out: &mut String) {
    let build = builder(&model.kind).expect("the plan knows every type it holds");
    let _ = write!(out, "Shape::{build}({name:?}");
    for part in model.member.iter().chain(&model.key).chain(&model.value) {
        let _ = write!(out, ", &{}", names::constant(&part.shape));
    }
    if model.kind == "structure" {
        members(plan, name, model, out);
    }
    out.push(')');
    for (bound, value) in [("min", &model.min), ("max", &model.max)] {
        if let Some(value) = value.as_ref().and_then(serde_json::Number::as_f64) {
            let _ = write!(out, ".{bound}({value:?})");
        }
    }
    if let Some(text) = &model.pattern {
        let build = if accepts_words(text) {
            "accepting_words"
        } else {
            "new"
        };
        let _ = write!(
            out,
            ".pattern({{ static P: Pattern = Pattern::{build}(r#\"{text}\"#); &P }})"
        );
    }
    if !model.values.is_empty() {
        let _ = write!(out, ".one_of(&{:?})", model.values);
    }
    if model.sensitive {
        out.push_str(".sensitive()");
    }
    if let Some(format) = &model.timestamp_format {
        let _ = write!(out, ".time_format({})", time_format(format));
    }
    if let Some(payload) = &model.payload {
        let _ = write!(out, ".payload({payload:?})");
    }
}

fn members(plan: &Plan, structure: &str, model: &Shape, out: &mut String) {
    out.push_str(", &[");
    for (name, reference) in &model.members.0 {
        let shape = match plan.is_unchecked(structure, name) {
            true => "UNCHECKED".to_owned(),
            false => names::constant(&reference.shape),
        };
        let _ = write!(out, "\n        Member::new({name:?}, &{shape})");
        let wire_name = reference.location_name.as_deref().unwrap_or(name);
        match reference.location.as_deref() {
            None if key(name, reference) != name => {
                let _ = write!(out, ".key({wire_name:?})");
            }
            None => {}
            Some("statusCode") => out.push_str(".status_code()"),
            Some("uri") => {
                let _ = write!(out, ".label({wire_name:?})");
            }
            Some("querystring") => {
                let _ = write!(out, ".query({wire_name:?})");
            }
            Some(location) => {
                let _ = write!(out, ".{location}({wire_name:?})");
            }
        }
        if let Some(format) = &reference.timestamp_format {
            let _ = write!(out, ".time_format({})", time_format(format));
        }
        if model.required.contains(name) {
            out.push_str(".required()");
        }
        out.push(',');
    }
    out.push_str(if model.members.0.is_empty() {
        "]"
    } else {
        "\n    ]"
    });
}

fn time_format(format: &str) -> String {
    let name = match format {
        "iso8601" => "Iso8601",
        "rfc822" => "HttpDate",
        _ => "UnixSeconds",
    };
    format!("crate::model::TimeFormat::{name}")
}
