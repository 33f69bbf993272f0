//! Recognises a Python function.

use std::fs;
use std::path::Path;

use regex_lite::Regex;

use super::range::Range;
use super::{ProjectError, sources};

pub(super) const CONVENTIONS: &str = "a top-level `lambda_handler` or `handler`, or one function of an `event`, in \
    lambda_function, app, main, handler, index or function (.py, also in src), and in a lone file of another name";

const EXTENSIONS: [&str; 1] = ["py"];
const STEMS: [&str; 6] = ["lambda_function", "app", "main", "handler", "index", "function"];
const FOLDERS: [&str; 2] = ["", "src/"];
const NAMES: [&str; 2] = ["lambda_handler", "handler"];

pub(super) fn is_there(folder: &Path) -> bool {
    FOLDERS
        .iter()
        .any(|below| !sources(&folder.join(below), &EXTENSIONS).is_empty())
}

/// The version that `.python-version` names, as pyenv and uv write it.
pub(super) fn wanted(folder: &Path) -> Result<Range, ProjectError> {
    let path = folder.join(".python-version");
    let Ok(text) = fs::read_to_string(&path) else {
        return Ok(Range::ANY);
    };
    let is_version = |line: &&str| !line.is_empty() && !line.starts_with('#');
    match text.lines().map(str::trim).find(is_version) {
        Some(wanted) => Range::parse(wanted).ok_or_else(|| ProjectError::Range {
            path,
            wanted: wanted.to_owned(),
        }),
        None => Ok(Range::ANY),
    }
}

/// Whether the module that a handler names exists.
pub(super) fn has(folder: &Path, handler: &str) -> bool {
    let Some((module, _)) = handler.rsplit_once('.') else {
        return false;
    };
    let module = module.replace('.', "/");
    folder.join(format!("{module}.py")).is_file() || folder.join(module).join("__init__.py").is_file()
}

/// The file that a handler may stand for; none where it has no function.
pub(super) fn files(handler: &str) -> Option<String> {
    let (module, _) = handler.rsplit_once('.')?;
    Some(format!("{}.py", module.replace('.', "/")))
}

/// The handler by convention.
pub(super) fn handler(folder: &Path) -> Option<String> {
    let conventional = FOLDERS
        .iter()
        .flat_map(|folder| STEMS.iter().map(move |stem| format!("{folder}{stem}.py")));
    let mut others = sources(folder, &EXTENSIONS);
    others.retain(|name| !name.starts_with("test_") && !["setup.py", "conftest.py"].contains(&name.as_str()));
    if others.len() > 1 {
        others.clear();
    }
    conventional.chain(others).find_map(|file| {
        let text = fs::read_to_string(folder.join(&file)).ok()?;
        Some(format!("{}.{}", file.strip_suffix(".py")?, function(&text)?))
    })
}

/// Which function of a module is the handler.
fn function(text: &str) -> Option<String> {
    if let Some(name) = NAMES.iter().find(|name| defines(text, name)) {
        return Some((*name).to_owned());
    }
    let takes_event = Regex::new(r"(?m)^def\s+(\w+)\s*\(\s*event\b").expect("the pattern is a constant");
    let mut names = takes_event.captures_iter(text).map(|found| found[1].to_owned());
    names.next().filter(|_| names.next().is_none())
}

fn defines(text: &str, name: &str) -> bool {
    let pattern = format!(
        r"(?m)^(?:def\s+{name}\s*\(|{name}\s*(?::[^=\n]+)?=[^=]|from\s+\S+\s+import\s+(?:.*\W)?{name}\b)"
    );
    Regex::new(&pattern)
        .expect("the pattern is made of constants")
        .is_match(text)
}
