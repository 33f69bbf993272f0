//! One interpreter for the constraints of every model, with AWS's wording.
//!
//! Two things can be wrong with a request. A value of another type than the model's ends the
//! reading at once (`SerializationException`). Constraints of the model (required, length, range,
//! pattern, enumeration) are all collected and answered together (`ValidationException`).

mod clause;
mod kinds;
#[cfg(test)]
mod tests;
mod wording;

use serde_json::Value;

use crate::AwsError;
use crate::model::{Kind, Location, Member, ServiceModel, Shape};
use crate::protocol::text;
use crate::request::RawRequest;

use clause::{Scalar, clauses};
pub(crate) use kinds::cannot_convert;
use kinds::{check_kind, is_composite};
use wording::{Clauses, Path, Printed, Violations};

/// Checks a request's tree against its structure. Explicit nulls of members are removed: for AWS
/// they are members that are not there.
pub(crate) fn validate(service: &ServiceModel, shape: &Shape, tree: &mut Value) -> Result<(), AwsError> {
    let mut found = Violations::default();
    check(&mut found, shape, tree, &Path::ROOT)?;
    found.into_result(service)
}

/// Checks the labels, query parameters and headers of a request whose body is not read.
pub(crate) fn validate_bound(
    service: &ServiceModel,
    members: &[Member],
    request: &RawRequest,
) -> Result<(), AwsError> {
    let mut found = Violations::default();
    for member in members {
        let text = match member.location {
            Location::Label(name) => request.label(name),
            Location::Query(name) => request.query(name),
            Location::Header(name) => request.header(name),
            Location::Body | Location::Headers(_) | Location::StatusCode => continue,
        };
        let path = Path::ROOT.then(member.name);
        match (text, &member.shape.kind) {
            (Some(text), Kind::String) => {
                let printed = Printed::Text(text);
                check_clauses(&mut found, member.shape, Scalar::Text(text), printed, &path);
            }
            (Some(text), _) => {
                check(
                    &mut found,
                    member.shape,
                    &mut text::read(member.shape, None, text)?,
                    &path,
                )?;
            }
            (None, _) if member.required => found.missing(&path),
            (None, _) => {}
        }
    }
    found.into_result(service)
}

fn check(found: &mut Violations, shape: &Shape, value: &mut Value, path: &Path<'_>) -> Result<(), AwsError> {
    check_kind(shape, value)?;
    match (&shape.kind, &mut *value) {
        (Kind::Structure { members, .. }, Value::Object(object)) => {
            for member in *members {
                let inner = path.then(member.name);
                match object.get_mut(member.key) {
                    Some(value) if !value.is_null() => check(found, member.shape, value, &inner)?,
                    _ if member.required => found.missing(&inner),
                    Some(_) => drop(object.remove(member.key)),
                    None => {}
                }
            }
            return Ok(());
        }
        (Kind::List(item), Value::Array(items)) if is_composite(item) => {
            for (index, value) in items.iter_mut().enumerate() {
                check_part(found, item, value, &path.then(&(index + 1).to_string()))?;
            }
        }
        (Kind::Map(_, item), Value::Object(entries)) if is_composite(item) => {
            for (key, value) in entries.iter_mut() {
                check_part(found, item, value, &path.then(key))?;
            }
        }
        _ => {}
    }
    check_scalar_parts(found, shape, value, path)?;
    check_clauses(
        found,
        shape,
        Scalar::of(shape, value),
        Printed::Tree(shape, value),
        path,
    );
    Ok(())
}

/// Checks an item of a list or a value of a map that has parts of its own.
fn check_part(
    found: &mut Violations,
    shape: &Shape,
    value: &mut Value,
    path: &Path<'_>,
) -> Result<(), AwsError> {
    let path = path.then("member");
    if value.is_null() {
        found.missing(&path);
        return Ok(());
    }
    check(found, shape, value, &path)
}

/// Checks the items of a list, or the keys and values of a map, that have no parts. AWS answers
/// one sentence for all of them, with all constraints in it.
fn check_scalar_parts(
    found: &mut Violations,
    shape: &Shape,
    value: &Value,
    path: &Path<'_>,
) -> Result<(), AwsError> {
    let printed = Printed::Tree(shape, value);
    let (parts_hold, of, part) = match (&shape.kind, value) {
        (Kind::List(item), Value::Array(items)) if !is_composite(item) => {
            (all_hold(item, items.iter())?, "Member", item)
        }
        (Kind::Map(key, item), Value::Object(entries)) => {
            let mut keys = entries.keys().map(|key| Scalar::Text(key));
            if !keys.all(|text| clauses(key).all(|clause| clause.holds(text))) {
                found.add(&printed, path, &Clauses::of_keys(key));
            }
            (
                is_composite(item) || all_hold(item, entries.values())?,
                "Map value",
                item,
            )
        }
        _ => return Ok(()),
    };
    if !parts_hold {
        found.add(&printed, path, &Clauses::of_items(of, part));
    }
    Ok(())
}

fn all_hold<'a>(shape: &Shape, mut values: impl Iterator<Item = &'a Value>) -> Result<bool, AwsError> {
    values.try_fold(true, |all, value| {
        if value.is_null() {
            return Ok(false);
        }
        check_kind(shape, value)?;
        Ok(all && clauses(shape).all(|clause| clause.holds(Scalar::of(shape, value))))
    })
}

fn check_clauses(
    found: &mut Violations,
    shape: &Shape,
    scalar: Scalar<'_>,
    printed: Printed<'_>,
    path: &Path<'_>,
) {
    // Alone, constraints come in the other order than in a bracket.
    for clause in clauses(shape).rev().filter(|clause| !clause.holds(scalar)) {
        found.add(&printed, path, &clause);
    }
}
