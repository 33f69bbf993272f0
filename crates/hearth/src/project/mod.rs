//! What a folder is: which language, which handler, which versions it asks for.

#[cfg(test)]
mod cases;
mod error;
mod folders;
mod nodejs;
mod provided;
mod python;
mod range;

use std::fs;
use std::path::{Path, PathBuf};

use hearth_runtime::{Family, Version};

pub(crate) use error::ProjectError;
pub(crate) use folders::functions;

use range::Range;

/// A folder that can be deployed as a function.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) folder: PathBuf,
    pub(crate) family: Family,
    /// `file.export`, as the Lambda API takes it.
    pub(crate) handler: String,
    wanted: Range,
}

/// What the user said about a folder, instead of leaving it to convention.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hints {
    pub(crate) family: Option<Family>,
    pub(crate) handler: Option<String>,
}

impl Project {
    /// Recognises `folder` by its files.
    pub(crate) fn recognise(folder: &Path, hints: &Hints) -> Result<Self, ProjectError> {
        let folder = fs::canonicalize(folder).map_err(|source| ProjectError::Unreadable {
            path: folder.to_owned(),
            source,
        })?;
        if hints.family.unwrap_or(Family::Provided) == Family::Provided && provided::is_there(&folder) {
            let handler = hints.handler.as_deref().unwrap_or(provided::HANDLER);
            return Self::new(folder, Family::Provided, handler.to_owned());
        }
        let candidates: Vec<Family> = [Family::Nodejs, Family::Python, Family::Provided]
            .into_iter()
            .filter(|family| hints.family.is_none_or(|hint| hint == *family))
            .filter(|family| hints.family.is_some() || is_there(&folder, *family))
            .collect();
        let found: Vec<(Family, String)> = candidates
            .iter()
            .filter_map(|family| Some((*family, handler(&folder, *family, hints)?)))
            .collect();
        match (&found[..], &candidates[..]) {
            ([(family, handler)], _) => Self::new(folder, *family, handler.clone()),
            ([_, (_, second), ..], _) => Err(ProjectError::Ambiguous {
                folder,
                first: found[0].1.clone(),
                second: second.clone(),
            }),
            ([], []) => Err(ProjectError::NotAFunction { folder }),
            ([], _) if nodejs::is_typescript(&folder) => Err(ProjectError::TypeScript { folder }),
            ([], families) => {
                if let Some(handler) = &hints.handler {
                    return Err(no_such_handler(folder, handler, families));
                }
                let looked = families
                    .iter()
                    .map(|family| conventions(*family))
                    .collect::<Vec<_>>()
                    .join("; ");
                Err(ProjectError::NoHandler { folder, looked })
            }
        }
    }

    fn new(folder: PathBuf, family: Family, handler: String) -> Result<Self, ProjectError> {
        let wanted = match family {
            Family::Nodejs => nodejs::wanted(&folder),
            Family::Python => python::wanted(&folder),
            Family::Provided => Ok(Range::ANY),
        };
        wanted.map(|wanted| Self {
            folder,
            family,
            handler,
            wanted,
        })
    }

    /// The function's name if the user gives none: the folder's, with `-` for what a name cannot have.
    pub(crate) fn name(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy();
        let legal = |c: char| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '-'
            }
        };
        name.chars().map(legal).collect()
    }

    /// Whether the project runs on an interpreter of this version, as far as it says.
    pub(crate) fn accepts(&self, version: Version) -> bool {
        self.wanted.contains(version)
    }
}

/// Whether the folder has files of a language at all.
fn is_there(folder: &Path, family: Family) -> bool {
    match family {
        Family::Nodejs => nodejs::is_there(folder),
        Family::Python => python::is_there(folder),
        Family::Provided => provided::is_there(folder),
    }
}

fn handler(folder: &Path, family: Family, hints: &Hints) -> Option<String> {
    match (family, &hints.handler) {
        // Without a bootstrap there is none.
        (Family::Provided, _) => None,
        // With the language named as well, the server is the judge of the handler.
        (_, Some(handler)) if hints.family.is_some() => Some(handler.clone()),
        (Family::Nodejs, Some(handler)) => nodejs::has(folder, handler).then(|| handler.clone()),
        (Family::Python, Some(handler)) => python::has(folder, handler).then(|| handler.clone()),
        (Family::Nodejs, None) => nodejs::handler(folder),
        (Family::Python, None) => python::handler(folder),
    }
}

/// Why a handler that was named is none of these languages'.
fn no_such_handler(folder: PathBuf, handler: &str, families: &[Family]) -> ProjectError {
    let handler = handler.to_owned();
    let files: Vec<String> = families
        .iter()
        .filter_map(|family| files(*family, &handler))
        .collect();
    if files.is_empty() {
        return ProjectError::HandlerWithoutFunction { handler };
    }
    ProjectError::NoSuchHandler {
        folder,
        handler,
        files: files.join(", and no "),
    }
}

/// The files of a language that a handler may stand for, for people.
fn files(family: Family, handler: &str) -> Option<String> {
    match family {
        Family::Nodejs => nodejs::files(handler),
        Family::Python => python::files(handler),
        Family::Provided => None,
    }
}

fn conventions(family: Family) -> &'static str {
    match family {
        Family::Nodejs => nodejs::CONVENTIONS,
        Family::Python => python::CONVENTIONS,
        Family::Provided => provided::CONVENTIONS,
    }
}

/// The files right in `folder` with one of the extensions, sorted.
fn sources(folder: &Path, extensions: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|item| item.ok()?.file_name().into_string().ok())
        .filter(|name| {
            name.rsplit_once('.')
                .is_some_and(|(stem, extension)| !stem.is_empty() && extensions.contains(&extension))
        })
        .collect();
    names.sort();
    names
}
