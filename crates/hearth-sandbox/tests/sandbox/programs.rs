//! The interpreters of this machine, and the programs that stand in for bootstraps.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use hearth_sandbox::launcher::Runtime;

/// An interpreter that was found.
#[derive(Clone, Debug)]
pub(crate) struct Interpreter {
    pub(crate) name: String,
    prefix: PathBuf,
    executable: PathBuf,
}

/// Every Python from 3.8 on, the one that is first on PATH first.
pub(crate) fn pythons() -> &'static [Interpreter] {
    static FOUND: OnceLock<Vec<Interpreter>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        let managed = std::fs::read_dir(home.join(".pyenv/versions"))
            .into_iter()
            .flatten()
            .flatten();
        let managed = managed.map(|entry| entry.path().join("bin/python3"));
        let mut found: Vec<Interpreter> = std::iter::once("python3".into())
            .chain(managed)
            .filter_map(|path: PathBuf| python(&path))
            .collect();
        if let Some((_, others)) = found.split_first_mut() {
            others.sort_by(|one, other| one.name.cmp(&other.name));
        }
        found.dedup_by(|one, other| one.prefix == other.prefix);
        found
    })
}

fn python(path: &Path) -> Option<Interpreter> {
    const ASK: &str = "import os, sys; assert sys.version_info >= (3, 8); \
        print('%d.%d' % sys.version_info[:2]); print(sys.base_prefix); print(os.path.realpath(sys.executable))";
    interpreter("python", path, &["-I", "-c", ASK])
}

/// A program that does nothing, for environments that are many.
pub(crate) fn sleeping() -> Runtime {
    Runtime {
        prefix: "/usr".into(),
        executable: "bin/sleep".into(),
        arguments: vec!["600".into()],
        // By which it is known as a test's.
        environment: vec!["HOME={root}/tmp".into()],
        bootstrap: Vec::new(),
    }
}

/// The Node.js on PATH.
pub(crate) fn node() -> Option<Interpreter> {
    const ASK: &str = "const {dirname} = require('path'); const at = require('fs').realpathSync(process.execPath); \
        console.log(process.versions.node); console.log(dirname(dirname(at))); console.log(at)";
    interpreter("node", Path::new("node"), &["-e", ASK])
}

fn interpreter(family: &str, path: &Path, ask: &[&str]) -> Option<Interpreter> {
    let answer = Command::new(path)
        .args(ask)
        .output()
        .ok()
        .filter(|answer| answer.status.success())?;
    let text = String::from_utf8(answer.stdout).ok()?;
    let mut lines = text.lines();
    let name = format!("{family}{}", lines.next()?);
    let prefix = PathBuf::from(lines.next()?);
    let executable = Path::new(lines.next()?).strip_prefix(&prefix).ok()?.to_owned();
    Some(Interpreter {
        name,
        prefix,
        executable,
    })
}

impl Interpreter {
    /// A Python that obeys orders on its control socket (see `tests/programs/bootstrap.py`).
    pub(crate) fn obedient(&self) -> Runtime {
        self.running(&["-I", "-S", "{root}/var/runtime/bootstrap.py"])
    }

    /// A runtime with these arguments.
    pub(crate) fn running(&self, arguments: &[&str]) -> Runtime {
        let file = |name: &str, content: &str| (name.to_owned(), content.as_bytes().to_vec());
        Runtime {
            prefix: self.prefix.clone(),
            executable: self.executable.clone(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            environment: vec![
                "PATH={root}/var/lang/bin:/usr/bin:/bin".into(),
                "LD_LIBRARY_PATH={root}/var/lang/lib".into(),
                "TMPDIR={root}/tmp".into(),
            ],
            bootstrap: vec![
                file("bootstrap.py", include_str!("../programs/bootstrap.py")),
                file("attack.py", include_str!("../programs/attack.py")),
                file("everyday.py", include_str!("../programs/everyday.py")),
                file("everyday.mjs", include_str!("../programs/everyday.mjs")),
            ],
        }
    }
}
