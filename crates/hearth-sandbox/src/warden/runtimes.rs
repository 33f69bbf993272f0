//! The programs environments may execute.

use std::ffi::CString;
use std::io;

use hearth_types::Places;

use crate::isolation::program::{Interpreter, Program};
use crate::launcher::RuntimeManifest;
use crate::{RuntimeIndex, Start};

/// Where environments see the prefix of their runtime, below their root.
const PREFIX: &str = "/var/lang";
/// What stands for that root in the table.
const ROOT: &str = "{root}";

/// The table the launcher handed over.
pub(super) struct Runtimes(Vec<Runtime>);

struct Runtime {
    executable: String,
    arguments: Vec<String>,
    environment: Vec<String>,
}

impl Runtimes {
    pub(super) fn read(runtimes: Vec<RuntimeManifest>) -> io::Result<Self> {
        let read = |runtime: RuntimeManifest| {
            let RuntimeManifest {
                executable,
                arguments,
                environment,
                ..
            } = runtime;
            let has_nul = |text: &String| text.contains('\0');
            if arguments.iter().chain(&environment).any(has_nul) || has_nul(&executable) {
                return Err(io::Error::from(io::ErrorKind::InvalidInput));
            }
            Ok(Runtime {
                executable,
                arguments,
                environment,
            })
        };
        Ok(Self(runtimes.into_iter().map(read).collect::<io::Result<_>>()?))
    }

    /// What to execute for a runtime and a memory size in an environment of these places, if there is such a runtime.
    pub(super) fn program(
        &self,
        runtime: RuntimeIndex,
        memory_mb: u32,
        start: Start,
        places: &Places,
    ) -> Option<Program> {
        let Some(place) = runtime.in_table() else {
            return Some(Program::Bootstrap);
        };
        let runtime = self.0.get(place)?;
        let text = |text: String| CString::new(text).expect("a record's text was checked for NUL");
        let arguments = runtime.arguments.iter().map(|argument| {
            argument
                .replace("{memory}", &memory_mb.to_string())
                .replace("{heap}", &(memory_mb / 10 * 9).to_string())
                .replace(ROOT, places.root())
        });
        let environment = runtime.environment.iter();
        let path = text(format!("{}/{}", places.of(PREFIX), runtime.executable));
        Some(Program::Interpreter(Interpreter {
            arguments: std::iter::once(path.clone()).chain(arguments.map(text)).collect(),
            path,
            environment: environment
                .map(|variable| text(variable.replace(ROOT, places.root())))
                .collect(),
            start,
        }))
    }
}
