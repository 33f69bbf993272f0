//! The folders and the environment a case runs in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hearth_runtime::environment::{self, Credentials, Environment};
use hearth_runtime::{InstalledRuntime, Logging};
use hearth_types::inside::Addresses;
use hearth_types::{FunctionName, Places, Qualifier, Region};

use super::{Answer, Case, Outcome};

/// A temporary folder with the code and the bootstrap, for one interpreter.
pub(crate) struct Scene {
    pub(crate) interpreter: InstalledRuntime,
    /// The folder that stands for /var/runtime.
    runtime: PathBuf,
    folder: tempfile::TempDir,
}

/// Puts a bootstrap's files into a folder.
pub(crate) fn install(interpreter: &InstalledRuntime) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in interpreter.family.bootstrap() {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

impl Scene {
    pub(crate) fn new(interpreter: &InstalledRuntime, runtime: &Path) -> Self {
        Self {
            interpreter: interpreter.clone(),
            runtime: runtime.canonicalize().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// The folder that stands for /var/task.
    pub(crate) fn task(&self) -> PathBuf {
        self.path().join("task")
    }

    /// The interpreter's arguments.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let runtime = self.runtime.display().to_string();
        let arguments = self.interpreter.family.arguments().iter();
        arguments
            .map(|text| {
                text.replace("{heap}", "115")
                    .replace("{root}/var/runtime", &runtime)
            })
            .collect()
    }

    /// The variables of a case's function.
    pub(crate) fn variables(&self, case: &Case) -> BTreeMap<String, String> {
        let InstalledRuntime { family, version, .. } = &self.interpreter;
        let suffix = if family.to_string() == "nodejs" { ".x" } else { "" };
        let runtime = format!("{family}{}{suffix}", family.release_name(*version));
        let credentials = Credentials {
            access_key_id: "ASIA",
            secret_access_key: "s",
            session_token: "t",
        };
        environment::variables(&Environment {
            function: &FunctionName::parse("case").unwrap(),
            version: &Qualifier::Latest,
            memory_mb: 128,
            handler: &case.handler,
            runtime: &runtime,
            log_group: "/aws/lambda/case",
            log_stream: "2026/01/01/[$LATEST]0",
            logging: Logging::Text,
            region: &Region::default(),
            places: &Places::WALLED,
            addresses: Addresses::WALLED,
            credentials,
            user: &case.environment,
        })
    }

    /// Replaces what differs from run to run: folders by their places in an environment, times by `{time}`,
    /// request ids by `{request 1}` and so on.
    pub(crate) fn generalise(&self, outcome: Outcome) -> Outcome {
        let change = |text: &str| without_times(&without_requests(&self.without_folders(text)));
        let answers = outcome
            .answers
            .into_iter()
            .map(|answer: Answer| answer.map(change))
            .collect();
        let log = outcome.log.iter().map(|event| change(event)).collect();
        Outcome {
            init: outcome.init.map(change),
            answers,
            log,
            exit: outcome.exit,
        }
    }

    fn without_folders(&self, text: &str) -> String {
        let path = |path: &Path| path.display().to_string();
        // A prefix such as /usr would also be found where it means no interpreter.
        let library = |place: &Path| format!("{}/lib", place.display());
        text.replace(&path(&self.task()), &Places::WALLED.task())
            .replace(&path(&self.runtime), &Places::WALLED.runtime())
            .replace(
                &library(&self.interpreter.prefix),
                &library(Path::new("/var/lang")),
            )
    }

    fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }
}

/// The id of an invocation: its number among zeros.
pub(crate) fn request_id(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn without_requests(text: &str) -> String {
    (1..10).fold(text.to_owned(), |text, number| {
        text.replace(&request_id(number), &format!("{{request {number}}}"))
    })
}

/// Finds times such as `2026-01-01T00:00:00.000Z` by their shape.
fn without_times(text: &str) -> String {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00.000Z";
    let same = |(byte, shape): (&u8, &u8)| {
        if shape.is_ascii_digit() {
            byte.is_ascii_digit()
        } else {
            byte == shape
        }
    };
    let at = text
        .as_bytes()
        .windows(SHAPE.len())
        .position(|window| window.iter().zip(SHAPE).all(same));
    match at {
        Some(at) => format!(
            "{}{{time}}{}",
            &text[..at],
            without_times(&text[at + SHAPE.len()..])
        ),
        None => text.to_owned(),
    }
}
