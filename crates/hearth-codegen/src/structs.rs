//! Writes the Rust structures and enumerations of a service.

use std::fmt::Write as _;

use crate::model::{Reference, Shape};
use crate::names;
use crate::plan::Plan;

/// Every structure and enumeration of the implemented operations.
pub(crate) fn write(plan: &Plan, out: &mut String) {
    for (name, shape) in plan.shapes() {
        if shape.kind == "structure" {
            structure(plan, name, shape, out);
        } else if plan.is_enumeration(name) {
            enumeration(name, shape, out);
        }
    }
}

fn structure(plan: &Plan, name: &str, shape: &Shape, out: &mut String) {
    let members = &shape.members.0;
    let hides = members.iter().any(|(_, reference)| is_hidden(plan, reference));
    let debug = if hides { "" } else { "Debug, " };
    let default = if has_default(plan, name, shape) {
        "Default, "
    } else {
        ""
    };
    let _ = writeln!(
        out,
        "\n#[derive({debug}Clone, {default}PartialEq, Serialize, Deserialize)]"
    );
    if members.is_empty() {
        let _ = writeln!(out, "pub struct {name} {{}}");
        return;
    }
    let _ = writeln!(out, "pub struct {name} {{");
    for (member, reference) in members {
        let key = key(member, reference);
        let kind = plan.rust_type(&reference.shape);
        if plan.is_plain(name, member) {
            let _ = writeln!(out, "    #[serde(rename = \"{key}\")]");
            let _ = writeln!(out, "    pub {}: {kind},", names::field(member));
        } else {
            let _ = writeln!(
                out,
                "    #[serde(rename = \"{key}\", skip_serializing_if = \"Option::is_none\")]"
            );
            let _ = writeln!(out, "    pub {}: Option<{kind}>,", names::field(member));
        }
    }
    out.push_str("}\n");
    if hides {
        debug_without_secrets(plan, name, members, out);
    }
}

/// Whether every member has a value that means nothing: a required enumeration or time has none.
fn has_default(plan: &Plan, name: &str, shape: &Shape) -> bool {
    shape.members.0.iter().all(|(member, reference)| {
        let kind = &plan.model.shapes[&reference.shape];
        !plan.is_plain(name, member)
            || (!plan.is_enumeration(&reference.shape)
                && kind.kind != "timestamp"
                && (kind.kind != "structure" || has_default(plan, &reference.shape, kind)))
    })
}

/// A `Debug` that shows of the sensitive members only that they are there.
fn debug_without_secrets(plan: &Plan, name: &str, members: &[(String, Reference)], out: &mut String) {
    let _ = writeln!(out, "\nimpl fmt::Debug for {name} {{");
    out.push_str("    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {\n");
    let _ = writeln!(out, "        f.debug_struct(\"{name}\")");
    for (member, reference) in members {
        let field = names::field(member);
        let value = match is_hidden(plan, reference) {
            true if plan.is_plain(name, member) => "&Hidden".to_owned(),
            true => format!("&self.{field}.as_ref().map(|_| Hidden)"),
            false => format!("&self.{field}"),
        };
        let _ = writeln!(out, "            .field(\"{field}\", {value})");
    }
    out.push_str("            .finish()\n    }\n}\n");
}

/// Whether a member's value must not be printed. A blob never prints itself.
fn is_hidden(plan: &Plan, reference: &Reference) -> bool {
    let shape = &plan.model.shapes[&reference.shape];
    shape.sensitive && shape.kind != "blob"
}

fn enumeration(name: &str, shape: &Shape, out: &mut String) {
    let _ = writeln!(out, "\nstring_enum! {{\n    {name} {{");
    for value in &shape.values {
        let _ = writeln!(out, "        {} = \"{value}\",", names::variant(value));
    }
    out.push_str("    }\n}\n");
}

/// The key of a member in JSON and in the tree between the wire and the structure: its name on the
/// wire where it travels in the body, its own name elsewhere.
pub(crate) fn key<'a>(member: &'a str, reference: &'a Reference) -> &'a str {
    match (&reference.location, &reference.location_name) {
        (None, Some(name)) => name,
        _ => member,
    }
}
