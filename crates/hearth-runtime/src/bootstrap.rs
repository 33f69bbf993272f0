//! The programs that run inside environments, as parts of this binary.

use crate::family::Family;

/// A file below [`crate::environment::RUNTIME_DIR`]: its name and its text.
pub type BootstrapFile = (&'static str, &'static str);

macro_rules! files {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../runtimes/", $folder, "/", $name)))),+]
    };
}

const NODEJS: &[BootstrapFile] = files!(
    "nodejs":
    "bootstrap.cjs",
    "channel.cjs",
    "errors.cjs",
    "handler.cjs",
    "invocation.cjs",
    "log.cjs",
);

const PYTHON: &[BootstrapFile] = files!(
    "python":
    "bootstrap.py",
    "hearth_channel.py",
    "hearth_claim.py",
    "hearth_context.py",
    "hearth_errors.py",
    "hearth_invocation.py",
    "hearth_log.py",
    "hearth_marshal.py",
    "hearth_search_path.py",
);

impl Family {
    /// The files of the bootstrap, all in one folder.
    pub fn bootstrap(self) -> &'static [BootstrapFile] {
        match self {
            Self::Nodejs => NODEJS,
            Self::Python => PYTHON,
        }
    }

    /// What an interpreter is started with. `{heap}` stands for the size its heap may grow to, in MB.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Nodejs => &["--max-old-space-size={heap}", "/var/runtime/bootstrap.cjs"],
            // Without `site`, whose .pth files are the machine's; without the folder of a user there is none of.
            Self::Python => &["-S", "-s", "/var/runtime/bootstrap.py"],
        }
    }
}
