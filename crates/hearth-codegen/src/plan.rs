//! What is generated for a service: which shapes, used in which direction, with which Rust types.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Implemented, Model, Reference, Shape};
use crate::names;

/// A service's model together with what Hearth implements of it.
pub(crate) struct Plan {
    pub(crate) model: Model,
    pub(crate) implemented: Implemented,
    /// The shapes that the implemented operations reach, by direction.
    inputs: BTreeSet<String>,
    outputs: BTreeSet<String>,
}

/// The model and the list of implemented operations contradict each other.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    /// `implemented.toml` names an operation that the model does not have.
    #[error("the model has no operation {0}")]
    UnknownOperation(String),
    /// `implemented.toml` names a member that no implemented operation has.
    #[error("no implemented operation has the member {0}")]
    UnknownMember(String),
    /// Two shapes have the same name in Rust.
    #[error("the shapes {0} and {1} have the same name in Rust")]
    SameName(String, String),
    /// A shape of a type that the generator does not know.
    #[error("the shape {0} has the unknown type {1}")]
    UnknownType(String, String),
}

impl Plan {
    pub(crate) fn new(model: Model, implemented: Implemented) -> Result<Self, PlanError> {
        let mut plan = Self {
            model,
            implemented,
            inputs: BTreeSet::new(),
            outputs: BTreeSet::new(),
        };
        for name in plan
            .implemented
            .operations
            .iter()
            .chain(plan.implemented.body_limit.keys())
        {
            if !plan.model.operations.contains_key(name) {
                return Err(PlanError::UnknownOperation(name.clone()));
            }
        }
        let (mut inputs, mut outputs) = (BTreeSet::new(), BTreeSet::new());
        for name in &plan.implemented.operations {
            let operation = &plan.model.operations[name];
            operation
                .input
                .iter()
                .for_each(|input| plan.reach(&input.shape, &mut inputs));
            operation
                .output
                .iter()
                .for_each(|output| plan.reach(&output.shape, &mut outputs));
        }
        (plan.inputs, plan.outputs) = (inputs, outputs);
        plan.check()?;
        Ok(plan)
    }

    /// Adds a shape and those it is made of. Unchecked members need no shape.
    fn reach(&self, name: &str, reached: &mut BTreeSet<String>) {
        if !reached.insert(name.to_owned()) {
            return;
        }
        let shape = &self.model.shapes[name];
        let members = shape
            .members
            .0
            .iter()
            .filter(|(member, _)| !self.is_unchecked(name, member));
        let parts = shape.member.iter().chain(&shape.key).chain(&shape.value);
        for reference in members.map(|(_, reference)| reference).chain(parts) {
            self.reach(&reference.shape, reached);
        }
    }

    fn check(&self) -> Result<(), PlanError> {
        for member in &self.implemented.unchecked {
            let known = member.split_once('.').is_some_and(|(structure, name)| {
                let is_used = self.inputs.contains(structure) || self.outputs.contains(structure);
                is_used && self.member(structure, name).is_some()
            });
            if !known {
                return Err(PlanError::UnknownMember(member.clone()));
            }
        }
        let mut constants = BTreeMap::new();
        for (name, shape) in self.shapes() {
            if let Some(other) = constants.insert(names::constant(name), name) {
                return Err(PlanError::SameName(other.to_owned(), name.to_owned()));
            }
            if builder(&shape.kind).is_none() {
                return Err(PlanError::UnknownType(name.to_owned(), shape.kind.clone()));
            }
        }
        Ok(())
    }

    /// The shapes of the implemented operations.
    pub(crate) fn shapes(&self) -> impl Iterator<Item = (&str, &Shape)> {
        self.inputs
            .union(&self.outputs)
            .map(|name| (name.as_str(), &self.model.shapes[name]))
    }

    fn member(&self, structure: &str, name: &str) -> Option<&Reference> {
        let members = &self.model.shapes[structure].members.0;
        members
            .iter()
            .find(|(member, _)| member == name)
            .map(|(_, reference)| reference)
    }

    /// Whether the service itself checks the constraints of a member.
    pub(crate) fn is_unchecked(&self, structure: &str, member: &str) -> bool {
        self.implemented
            .unchecked
            .iter()
            .any(|entry| entry.split_once('.') == Some((structure, member)))
    }

    /// Whether a shape becomes a Rust enumeration.
    pub(crate) fn is_enumeration(&self, name: &str) -> bool {
        let unchecked = self
            .implemented
            .unchecked
            .iter()
            .filter_map(|entry| entry.split_once('.'));
        !self.model.shapes[name].values.is_empty()
            && !unchecked
                .filter_map(|(structure, member)| self.member(structure, member))
                .any(|reference| reference.shape == name)
    }

    /// Whether a member is always there: required in a structure that only requests carry.
    pub(crate) fn is_plain(&self, structure: &str, member: &str) -> bool {
        !self.outputs.contains(structure)
            && self.model.shapes[structure]
                .required
                .iter()
                .any(|required| required == member)
    }

    /// The Rust type of a shape.
    pub(crate) fn rust_type(&self, name: &str) -> String {
        let shape = &self.model.shapes[name];
        let of = |reference: &Option<Reference>| {
            self.rust_type(&reference.as_ref().expect("lists and maps name their parts").shape)
        };
        match shape.kind.as_str() {
            "structure" => name.to_owned(),
            "string" if self.is_enumeration(name) => name.to_owned(),
            "list" => format!("Vec<{}>", of(&shape.member)),
            "map" => format!("BTreeMap<String, {}>", of(&shape.value)),
            "integer" => "i32".to_owned(),
            "long" => "i64".to_owned(),
            "float" | "double" => "f64".to_owned(),
            "boolean" => "bool".to_owned(),
            "blob" => "Blob".to_owned(),
            "timestamp" => "Timestamp".to_owned(),
            _ => "String".to_owned(),
        }
    }
}

/// The constructor of `hearth_wire::model::Shape` for a type of the model.
pub(crate) fn builder(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "structure" => "structure",
        "list" => "list",
        "map" => "map",
        "string" => "string",
        "integer" => "integer",
        "long" => "long",
        "float" | "double" => "double",
        "boolean" => "boolean",
        "blob" => "blob",
        "timestamp" => "timestamp",
        _ => return None,
    })
}
