//! Recognises a Node.js function.

use std::fs;
use std::path::Path;

use regex_lite::Regex;
use serde::Deserialize;

use super::range::Range;
use super::{ProjectError, sources};

pub(super) const CONVENTIONS: &str = "an exported `handler` or `lambdaHandler`, or one exported function of an \
    `event`, in the main file of package.json, in index, app, main, handler, lambda or function (.mjs, .js or \
    .cjs, also in dist or src), and in a lone file of another name";

const EXTENSIONS: [&str; 3] = ["mjs", "js", "cjs"];
const STEMS: [&str; 6] = ["index", "app", "main", "handler", "lambda", "function"];
const FOLDERS: [&str; 3] = ["", "dist/", "src/"];
const NAMES: [&str; 2] = ["handler", "lambdaHandler"];

/// The parts of package.json that matter here.
#[derive(Default, Deserialize)]
struct PackageJson {
    main: Option<String>,
    #[serde(default)]
    engines: Engines,
}

#[derive(Default, Deserialize)]
struct Engines {
    node: Option<String>,
}

pub(super) fn is_there(folder: &Path) -> bool {
    folder.join("package.json").is_file() || !sources(folder, &EXTENSIONS).is_empty()
}

/// Whether there is nothing to run yet, but something to build.
pub(super) fn is_typescript(folder: &Path) -> bool {
    [folder.to_owned(), folder.join("src")]
        .iter()
        .any(|folder| !sources(folder, &["ts", "mts", "cts"]).is_empty())
}

/// The versions that `engines.node` of package.json asks for.
pub(super) fn wanted(folder: &Path) -> Result<Range, ProjectError> {
    let path = folder.join("package.json");
    let Ok(text) = fs::read_to_string(&path) else {
        return Ok(Range::ANY);
    };
    let package: PackageJson = serde_json::from_str(&text).map_err(|error| ProjectError::PackageJson {
        path: path.clone(),
        message: error.to_string(),
    })?;
    match package.engines.node {
        Some(wanted) => Range::parse(&wanted).ok_or(ProjectError::Range { path, wanted }),
        None => Ok(Range::ANY),
    }
}

/// Whether the file that a handler names exists.
pub(super) fn has(folder: &Path, handler: &str) -> bool {
    stem(handler).is_some_and(|stem| {
        EXTENSIONS
            .iter()
            .any(|extension| folder.join(format!("{stem}.{extension}")).is_file())
    })
}

/// The files that a handler may stand for; none where it has no function.
pub(super) fn files(handler: &str) -> Option<String> {
    let stem = stem(handler)?;
    let names = EXTENSIONS.map(|extension| format!("{stem}.{extension}"));
    Some(names.join(" or "))
}

/// The file of a handler without its extension; none where the handler has no function.
fn stem(handler: &str) -> Option<&str> {
    let name_start = handler.rfind('/').map_or(0, |slash| slash + 1);
    let dot = handler[name_start..].find('.')?;
    Some(&handler[..name_start + dot])
}

/// The handler by convention.
pub(super) fn handler(folder: &Path) -> Option<String> {
    let package = fs::read_to_string(folder.join("package.json")).unwrap_or_default();
    let package: PackageJson = serde_json::from_str(&package).unwrap_or_default();
    let main = package.main.map(|main| main.trim_start_matches("./").to_owned());
    let main_files = main.iter().flat_map(|main| {
        let with_extension = EXTENSIONS.map(|extension| format!("{main}.{extension}"));
        [main.clone()]
            .into_iter()
            .chain(with_extension)
            .chain([format!("{main}/index.js")])
    });
    let conventional = FOLDERS.iter().flat_map(|folder| {
        STEMS
            .iter()
            .flat_map(move |stem| EXTENSIONS.map(|extension| format!("{folder}{stem}.{extension}")))
    });
    let mut others = sources(folder, &EXTENSIONS);
    others.retain(|name| !name.contains(".config.") && !name.contains(".test."));
    if others.len() > 1 {
        others.clear();
    }
    main_files.chain(conventional).chain(others).find_map(|file| {
        let (stem, extension) = file.rsplit_once('.')?;
        let text = EXTENSIONS
            .contains(&extension)
            .then(|| fs::read_to_string(folder.join(&file)).ok())??;
        Some(format!("{stem}.{}", export(&text)?))
    })
}

/// Which export of a module is the handler.
fn export(text: &str) -> Option<String> {
    if let Some(name) = NAMES.iter().find(|name| exports(text, name)) {
        return Some((*name).to_owned());
    }
    let takes_event = Regex::new(
        r"(?m)^\s*(?:exports\.|module\.exports\.|export\s+(?:const|let|var|(?:async\s+)?function)\s+)(\w+)\s*=?\s*(?:async\s*)?(?:function\s*\w*\s*)?\(?\s*event\b",
    )
    .expect("the pattern is a constant");
    let mut names = takes_event.captures_iter(text).map(|found| found[1].to_owned());
    names.next().filter(|_| names.next().is_none())
}

fn exports(text: &str, name: &str) -> bool {
    let pattern = [
        format!(r"export\s+(?:async\s+)?(?:const|let|var|function)\s+{name}\b"),
        format!(r"export\s*\{{[^}}]*\b{name}\s*[,}}]"),
        format!(r"(?:module\.)?exports\.{name}\s*="),
        format!(r"module\.exports\s*=\s*\{{[^}}]*\b{name}\b"),
    ];
    let pattern = format!(r"(?m)(?:^|[;&(,}}])\s*(?:{})", pattern.join("|"));
    Regex::new(&pattern)
        .expect("the pattern is made of constants")
        .is_match(text)
}
