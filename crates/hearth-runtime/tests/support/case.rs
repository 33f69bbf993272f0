//! A folder with a function, its events and what is expected of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hearth_runtime::{Family, Version};
use serde::Deserialize;
use serde_json::Value;

use super::expected::Expected;

const DESCRIPTION: &str = "case.json";
const EXPECTATION: &str = "expected.json";

/// One case.
pub(crate) struct Case {
    /// The folder's name.
    pub(crate) name: String,
    /// The function's handler.
    pub(crate) handler: String,
    /// The variables of its configuration.
    pub(crate) environment: BTreeMap<String, String>,
    /// What it is invoked with, one after the other.
    pub(crate) events: Vec<Event>,
    /// What must come of it.
    pub(crate) expected: Expected,
    folder: PathBuf,
    runtime: Family,
    versions: Versions,
}

/// `case.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    runtime: Family,
    handler: String,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default = "one_empty_event")]
    events: Vec<Event>,
    #[serde(default)]
    versions: Versions,
}

/// The releases a case is about; all of them unless it says so.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Versions {
    from: Option<String>,
    to: Option<String>,
}

/// One invocation. Without `text` and `size`, the body is `event`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct Event {
    event: Value,
    /// The body as it is.
    text: Option<String>,
    /// The body is a JSON string of this many characters.
    size: Option<usize>,
    pub(crate) trace_id: Option<String>,
    /// JSON text.
    pub(crate) client_context: Option<String>,
    pub(crate) cognito: bool,
}

fn one_empty_event() -> Vec<Event> {
    vec![Event {
        text: Some("{}".to_owned()),
        ..Event::default()
    }]
}

impl Event {
    pub(crate) fn body(&self) -> String {
        match (&self.text, self.size) {
            (Some(text), _) => text.clone(),
            (None, Some(size)) => format!("{:?}", "x".repeat(size)),
            (None, None) => self.event.to_string(),
        }
    }
}

impl Case {
    /// Every case below a folder.
    pub(crate) fn all(folder: &Path) -> Vec<Case> {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        folders.retain(|path| path.is_dir());
        folders.sort();
        folders.into_iter().map(Self::read).collect()
    }

    fn read(folder: PathBuf) -> Case {
        let description: Description = read_json(&folder.join(DESCRIPTION));
        Case {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            handler: description.handler,
            environment: description.environment,
            events: description.events,
            expected: read_json(&folder.join(EXPECTATION)),
            runtime: description.runtime,
            versions: description.versions,
            folder,
        }
    }

    pub(crate) fn is_for(&self, family: Family) -> bool {
        self.runtime == family
    }

    /// Whether the case is about this version.
    pub(crate) fn suits(&self, version: Version) -> bool {
        let bound = |text: &Option<String>| text.as_ref().map(|text| text.parse::<Version>().unwrap());
        let release = Version { patch: 0, ..version };
        bound(&self.versions.from).is_none_or(|from| from <= release)
            && bound(&self.versions.to).is_none_or(|to| release <= to)
    }

    /// Puts the function's files into a folder.
    pub(crate) fn copy_to(&self, task: &Path) {
        copy(&self.folder, task);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else if name != DESCRIPTION && name != EXPECTATION {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn read_json<T: for<'a> Deserialize<'a>>(path: &Path) -> T {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
