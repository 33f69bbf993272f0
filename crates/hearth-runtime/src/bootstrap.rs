//! The programs that run inside environments, as parts of this binary.

use crate::family::Family;

/// A file of [`hearth_types::Places::runtime`]: its name and its text.
pub type BootstrapFile = (&'static str, &'static str);

macro_rules! files {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../runtimes/", $folder, "/", $name)))),+]
    };
}

const NODEJS: &[BootstrapFile] = files!(
    "nodejs":
    "bindings.cjs",
    "bootstrap.cjs",
    "call.cjs",
    "channel.cjs",
    "context.cjs",
    "environment.cjs",
    "errors.cjs",
    "handler.cjs",
    "invocation.cjs",
    "log.cjs",
    "rehearsal.cjs",
    "rehearsed.js",
    "rehearsed.mjs",
    "response.cjs",
    "socket.cjs",
    "streamed.cjs",
    "streaming.cjs",
    "trace.cjs",
);

const PYTHON: &[BootstrapFile] = files!(
    "python":
    "bootstrap.py",
    "hearth_channel.py",
    "hearth_claim.py",
    "hearth_compile.py",
    "hearth_context.py",
    "hearth_environment.py",
    "hearth_errors.py",
    "hearth_invocation.py",
    "hearth_library.py",
    "hearth_log.py",
    "hearth_logging.py",
    "hearth_marshal.py",
    "hearth_rehearsal.py",
    "hearth_search_path.py",
    "hearth_trace.py",
);

impl Family {
    /// The files of the bootstrap, all in one folder.
    pub fn bootstrap(self) -> &'static [BootstrapFile] {
        match self {
            Self::Nodejs => NODEJS,
            Self::Python => PYTHON,
            Self::Provided => &[],
        }
    }

    /// Whether its bootstrap, before it says hello, takes what an earlier one has prepared, or prepares it.
    pub fn prepares(self) -> bool {
        self == Self::Python
    }

    /// What an interpreter is started with. `{heap}` stands for the size its heap may grow to, in MB, and `{root}` for
    /// what is in front of all paths in its environment.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Nodejs => &["--max-old-space-size={heap}", "{root}/var/runtime/bootstrap.cjs"],
            // No `site`, whose .pth files are the machine's, and no folder of a user, who does not exist.
            Self::Python => &["-S", "-s", "{root}/var/runtime/bootstrap.py"],
            Self::Provided => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn no_file_is_forgotten() {
        for family in [Family::Nodejs, Family::Python] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../../runtimes")
                .join(family.to_string());
            let files = folder.read_dir().unwrap().map(|entry| entry.unwrap());
            let sources = files.filter(|entry| entry.path().is_file());
            let mut there: Vec<String> = sources
                .map(|entry| entry.file_name().into_string().unwrap())
                .collect();
            there.sort();
            let embedded: Vec<&str> = family.bootstrap().iter().map(|(name, _)| *name).collect();
            assert_eq!(embedded, there);
        }
    }
}
