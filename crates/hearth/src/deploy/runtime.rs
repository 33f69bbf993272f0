//! Which runtime a new function gets.

use hearth_runtime::Family;

use super::DeployError;
use crate::project::Project;

/// The newest runtime the server can run that suits the project.
pub(super) fn choose(project: &Project, available: &[String]) -> Result<String, DeployError> {
    let of_family = available.iter().filter_map(|identifier| {
        let (family, version) = Family::of(identifier)?;
        (family == project.family).then_some((version, identifier))
    });
    let of_family: Vec<_> = of_family.collect();
    if of_family.is_empty() {
        return Err(DeployError::NoInterpreter(project.family));
    }
    let suits = of_family.iter().filter(|(version, _)| project.accepts(*version));
    match suits.max_by_key(|(version, _)| *version) {
        Some((_, identifier)) => Ok((*identifier).clone()),
        None => {
            let there = of_family
                .iter()
                .map(|(_, identifier)| identifier.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            Err(DeployError::NoSuchVersion {
                family: project.family,
                there,
            })
        }
    }
}
