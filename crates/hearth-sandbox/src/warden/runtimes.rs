//! The programs environments may execute.

use std::ffi::CString;
use std::io;

use crate::isolation::program::{Interpreter, Program};
use crate::launcher::RuntimeManifest;
use crate::{RuntimeIndex, Start};

/// Where environments see the prefix of their runtime.
const PREFIX: &str = "/var/lang";

/// The table the launcher handed over.
pub(super) struct Runtimes(Vec<Runtime>);

struct Runtime {
    path: CString,
    arguments: Vec<String>,
    environment: Vec<CString>,
}

impl Runtimes {
    pub(super) fn read(runtimes: &[RuntimeManifest]) -> io::Result<Self> {
        let read = |runtime: &RuntimeManifest| {
            Ok(Runtime {
                path: CString::new(format!("{PREFIX}/{}", runtime.executable))?,
                arguments: runtime.arguments.clone(),
                environment: runtime
                    .environment
                    .iter()
                    .map(|text| text.as_str())
                    .map(CString::new)
                    .collect::<Result<_, _>>()?,
            })
        };
        Ok(Self(runtimes.iter().map(read).collect::<io::Result<_>>()?))
    }

    /// What to execute for a runtime and a memory size, if there is such a runtime.
    pub(super) fn program(&self, runtime: RuntimeIndex, memory_mb: u32, start: Start) -> Option<Program> {
        let Some(place) = runtime.in_table() else {
            return Some(Program::Bootstrap);
        };
        let runtime = self.0.get(place)?;
        let arguments = runtime.arguments.iter().map(|argument| {
            let text = argument
                .replace("{memory}", &memory_mb.to_string())
                .replace("{heap}", &(memory_mb / 10 * 9).to_string());
            CString::new(text).expect("a record's text was checked for NUL")
        });
        Some(Program::Interpreter(Interpreter {
            path: runtime.path.clone(),
            arguments: std::iter::once(runtime.path.clone()).chain(arguments).collect(),
            environment: runtime.environment.clone(),
            start,
        }))
    }
}
