//! From a runtime identifier to an interpreter of this machine.

mod identifiers;

use crate::discover::{Discovery, InstalledRuntime};
use crate::family::{Family, Version};
use identifiers::Standing;

/// Which interpreter runs which runtime.
#[derive(Clone, Debug)]
pub struct Catalogue {
    found: Discovery,
    substitutes: Substitutes,
}

/// What to do about a runtime whose version is not installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Substitutes {
    /// Take the nearest version of the same language, as a laptop should.
    Nearest,
    /// Refuse, as production must.
    Refused,
}

/// The interpreter for a runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Place in [`Catalogue::installed`]; none for custom runtimes, which need no interpreter.
    pub interpreter: Option<usize>,
    /// Where it is not the version the runtime means: a sentence that says so.
    pub note: Option<String>,
}

/// No function can have this runtime here. The texts are answers to the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The Lambda API has no such runtime.
    #[error(
        "Value {0} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{list}] or \
         be a valid ARN",
        list = identifiers::listed()
    )]
    Unknown(String),
    /// AWS has ended support.
    #[error(
        "The runtime parameter of {0} is no longer supported for creating or updating AWS Lambda functions. \
         We recommend you use a supported runtime while creating or updating functions."
    )]
    Deprecated(String),
    /// Hearth does not run this language.
    #[error(
        "The runtime {0} is not available: Hearth itself runs nodejs and python. Package the code with AWS's \
         runtime interface client for its language and a bootstrap that starts it, and use provided.al2023; \
         docs/runtimes.md says how."
    )]
    Unsupported(String),
    /// The interpreter is not installed, or what the settings name is not it.
    #[error("The runtime {identifier} is not available: {reason}. {remedy}")]
    Missing {
        /// The runtime.
        identifier: String,
        /// What is missing.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
}

impl Catalogue {
    /// A catalogue of what was found.
    pub fn new(found: Discovery, substitutes: Substitutes) -> Self {
        Self { found, substitutes }
    }

    /// Every usable interpreter, in the order that [`Choice::interpreter`] counts in.
    pub fn installed(&self) -> &[InstalledRuntime] {
        &self.found.installed
    }

    /// The current runtimes of the languages Hearth runs, each with the interpreter it gets.
    pub fn overview(&self) -> impl Iterator<Item = (&'static str, Result<Choice, Refusal>)> {
        let managed = identifiers::current().filter(|identifier| Family::of(identifier).is_some());
        managed.map(|identifier| (identifier, self.resolve(identifier)))
    }

    /// The interpreter for a function's runtime.
    pub fn resolve(&self, identifier: &str) -> Result<Choice, Refusal> {
        match identifiers::standing(identifier) {
            Standing::Unknown => return Err(Refusal::Unknown(identifier.to_owned())),
            Standing::Deprecated => return Err(Refusal::Deprecated(identifier.to_owned())),
            Standing::Current => {}
        }
        let Some((family, wanted)) = Family::of(identifier) else {
            return Err(Refusal::Unsupported(identifier.to_owned()));
        };
        if family == Family::Provided {
            let (interpreter, note) = (None, None);
            return Ok(Choice { interpreter, note });
        }
        let missing = |reason| missing(identifier, family, wanted, reason);
        let index = match self.found.named.get(identifier) {
            Some(Ok(index)) => *index,
            Some(Err(why)) => return Err(missing(format!("the settings name {why}"))),
            None => self
                .nearest(family, wanted)
                .ok_or_else(|| missing(self.absence(family, wanted)))?,
        };
        let version = self.found.installed[index].version;
        if family.matches(wanted, version) {
            return Ok(Choice {
                interpreter: Some(index),
                note: None,
            });
        }
        if self.substitutes == Substitutes::Refused {
            return Err(missing(self.absence(family, wanted)));
        }
        let release = family.release_name(wanted);
        let note = format!(
            "{identifier} runs on {} {version}, as {release} is not installed",
            family.title()
        );
        Ok(Choice {
            interpreter: Some(index),
            note: Some(note),
        })
    }

    /// The installed interpreter whose release is nearest to the wanted one; of several the newest.
    fn nearest(&self, family: Family, wanted: Version) -> Option<usize> {
        let distance = |version: Version| {
            let (a, b) = (family.release(wanted), family.release(version));
            (a.0.abs_diff(b.0), a.1.abs_diff(b.1))
        };
        let of_family = self
            .found
            .installed
            .iter()
            .enumerate()
            .filter(|(_, found)| found.family == family);
        // The list has the newest first, and the first of equals is taken.
        of_family
            .min_by_key(|(_, found)| distance(found.version))
            .map(|(index, _)| index)
    }

    fn absence(&self, family: Family, wanted: Version) -> String {
        let title = family.title();
        let of_family = self.found.installed.iter().filter(|found| found.family == family);
        let versions: Vec<String> = of_family.map(|found| found.version.to_string()).collect();
        let release = family.release_name(wanted);
        match versions.as_slice() {
            [] => format!("it needs {title} {release}, and no {title} was found"),
            versions => format!(
                "it needs {title} {release}, and only {} was found",
                versions.join(", ")
            ),
        }
    }
}

fn missing(identifier: &str, family: Family, wanted: Version, reason: String) -> Refusal {
    let program = match family {
        Family::Nodejs => "node".to_owned(),
        Family::Python | Family::Provided => format!("python{}", family.release_name(wanted)),
    };
    let remedy = format!(
        "Install {} {}, or name it in hearth.toml under [runtimes]: \"{identifier}\" = \"/path/to/bin/{program}\"",
        family.title(),
        family.release_name(wanted)
    );
    Refusal::Missing {
        identifier: identifier.to_owned(),
        reason,
        remedy,
    }
}

#[cfg(test)]
mod tests;
