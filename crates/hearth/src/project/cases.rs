//! Runs `cases/deploy`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hearth_runtime::{Family, Version};
use serde::Deserialize;

use super::{Hints, Project};
use crate::package;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    files: BTreeMap<String, String>,
    #[serde(default)]
    executable: Vec<String>,
    #[serde(default)]
    hints: CaseHints,
    expect: Expected,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseHints {
    handler: Option<String>,
    family: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    family: Option<String>,
    handler: Option<String>,
    packed: Option<Vec<String>>,
    #[serde(default)]
    accepts: Vec<String>,
    #[serde(default)]
    refuses: Vec<String>,
    error: Option<String>,
}

#[test]
fn every_case_of_deploy_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/deploy");
    let mut cases = 0;
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = fs::read_to_string(&path).unwrap();
            let case = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            run(&path.display().to_string(), case);
            cases += 1;
        }
    }
    assert!(cases > 10, "{cases} cases");
}

fn run(name: &str, case: Case) {
    let Case {
        files,
        executable,
        hints,
        expect,
    } = case;
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    for path in executable {
        let path = root.path().join(path);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let hints = Hints {
        family: hints.family.as_deref().map(family),
        handler: hints.handler,
    };
    let project = match (Project::recognise(root.path(), &hints), expect.error) {
        (Ok(project), None) => project,
        (Err(error), Some(part)) => {
            assert!(error.to_string().contains(&part), "{name}: {error}");
            return;
        }
        (outcome, error) => panic!("{name}: {outcome:?} instead of {error:?}"),
    };
    assert_eq!(Some(project.family.to_string()), expect.family, "{name}");
    assert_eq!(Some(&project.handler), expect.handler.as_ref(), "{name}");
    assert!(
        expect
            .accepts
            .iter()
            .all(|wanted| project.accepts(version(wanted))),
        "{name}"
    );
    assert!(
        !expect
            .refuses
            .iter()
            .any(|refused| project.accepts(version(refused))),
        "{name}"
    );
    let packed = package::files(root.path())
        .unwrap()
        .entries
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    assert_eq!(Some(packed), expect.packed, "{name}");
}

fn family(name: &str) -> Family {
    [Family::Nodejs, Family::Python, Family::Provided]
        .into_iter()
        .find(|family| family.to_string() == name)
        .unwrap()
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}
