//! One folder or a folder of functions.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Hints, Project, ProjectError};

/// The functions in `folder`: itself, or those right below it. What looks like a function but cannot be
/// deployed is in the second list.
pub(crate) fn functions(folder: &Path) -> Result<(Vec<Project>, Vec<ProjectError>), ProjectError> {
    let own = match Project::recognise(folder, &Hints::default()) {
        Ok(project) => return Ok((vec![project], Vec::new())),
        Err(error) => error,
    };
    let (mut projects, mut failures) = (Vec::new(), Vec::new());
    for below in folders(folder) {
        match Project::recognise(&below, &Hints::default()) {
            Ok(project) => projects.push(project),
            Err(ProjectError::NotAFunction { .. }) => {}
            Err(error) => failures.push(error),
        }
    }
    if projects.is_empty() {
        Err(own)
    } else {
        Ok((projects, failures))
    }
}

/// The folders right below `folder` that may be functions, sorted.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|item| Some(item.ok()?.path()))
        .filter(|path| path.is_dir() && !is_hidden(path))
        .collect();
    folders.sort();
    folders
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name == "node_modules"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_functions_counts_as_each_of_them() {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("b/index.mjs", "export const handler = () => 1"),
            ("a/app.py", "def handler(event, context): pass"),
            ("broken/index.js", "// nothing yet"),
            ("docs/readme.md", ""),
            (".hidden/index.mjs", "export const handler = () => 1"),
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let (projects, failures) = functions(root.path()).unwrap();
        assert_eq!(projects.iter().map(Project::name).collect::<Vec<_>>(), ["a", "b"]);
        assert!(matches!(&failures[..], [ProjectError::NoHandler { .. }]));
        assert_eq!(functions(&root.path().join("b")).unwrap().0.len(), 1);
        assert!(matches!(
            functions(&root.path().join("docs")),
            Err(ProjectError::NotAFunction { .. })
        ));
    }
}
