//! Which runtime a new function gets.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hearth_runtime::{Family, Version};

use super::DeployError;
use crate::project::Project;

/// The runtimes a server can run, each with the version of the interpreter that it gets.
pub(crate) type Runtimes = BTreeMap<String, Version>;

/// The newest runtime that suits the project and has its own interpreter, or else the one whose stand-in is nearest.
pub(super) fn choose(project: &Project, available: &Runtimes) -> Result<String, DeployError> {
    let of_family = || {
        available.iter().filter_map(|(identifier, installed)| {
            let (family, version) = Family::of(identifier)?;
            (family == project.family).then_some((identifier, version, *installed))
        })
    };
    let suitable = of_family().filter(|(_, version, _)| project.accepts(*version));
    let best =
        suitable.min_by_key(|(_, version, installed)| (distance(*version, *installed), Reverse(*version)));
    match best {
        Some((identifier, ..)) => Ok(identifier.clone()),
        None if of_family().next().is_none() => Err(DeployError::NoInterpreter(project.family)),
        None => {
            let there = of_family()
                .map(|(identifier, ..)| identifier.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            Err(DeployError::NoSuchVersion {
                family: project.family,
                there,
            })
        }
    }
}

/// How far an interpreter is from what a runtime means; 0 if it is that.
fn distance(wanted: Version, installed: Version) -> (u16, u16) {
    // A runtime of Node.js names no minor version.
    let minor = if wanted.minor == 0 {
        0
    } else {
        wanted.minor.abs_diff(installed.minor)
    };
    (wanted.major.abs_diff(installed.major), minor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Hints;

    fn project(files: &[(&str, &str)]) -> Project {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(root.path().join(name), text).unwrap();
        }
        Project::recognise(root.path(), &Hints::default()).unwrap()
    }

    fn nodejs(engines: &str) -> Project {
        let package = format!(r#"{{"engines": {{"node": "{engines}"}}}}"#);
        project(&[
            ("package.json", &package),
            ("index.js", "exports.handler = () => 1"),
        ])
    }

    fn runtimes(pairs: &[(&str, &str)]) -> Runtimes {
        pairs
            .iter()
            .map(|(identifier, version)| ((*identifier).to_owned(), version.parse().unwrap()))
            .collect()
    }

    #[test]
    fn the_newest_that_is_installed_is_taken() {
        let available = runtimes(&[
            ("nodejs18.x", "18.1.0"),
            ("nodejs20.x", "20.9.0"),
            ("nodejs22.x", "20.9.0"),
            ("python3.11", "3.11.7"),
            ("python3.12", "3.12.1"),
            ("python3.13", "3.12.1"),
        ]);
        assert_eq!(choose(&nodejs("*"), &available).unwrap(), "nodejs20.x");
        assert_eq!(choose(&nodejs("<20"), &available).unwrap(), "nodejs18.x");
        let python = project(&[("app.py", "def handler(event, context): ...")]);
        assert_eq!(choose(&python, &available).unwrap(), "python3.12");
    }

    #[test]
    fn a_stand_in_is_as_near_as_can_be() {
        let available = runtimes(&[
            ("nodejs20.x", "20.9.0"),
            ("nodejs22.x", "20.9.0"),
            ("nodejs24.x", "20.9.0"),
        ]);
        assert_eq!(choose(&nodejs(">=22"), &available).unwrap(), "nodejs22.x");
    }

    #[test]
    fn what_is_missing_is_named() {
        let only_nodejs = runtimes(&[("nodejs20.x", "20.9.0")]);
        let python = project(&[("app.py", "def handler(event, context): ...")]);
        assert!(
            choose(&python, &only_nodejs)
                .unwrap_err()
                .to_string()
                .contains("no Python interpreter")
        );
        let message = choose(&nodejs(">=22"), &only_nodejs).unwrap_err().to_string();
        assert!(message.contains("it has nodejs20.x"), "{message}");
    }
}
