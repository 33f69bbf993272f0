//! What a deferred start is told over the control socket, and how the interpreter is then started.

use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::Access;

use crate::sys;

/// The most bytes of variables.
const LARGEST_BLOCK: usize = 1 << 20;
/// Runs wrappers that do not say what runs them, as a shell would.
const SHELL: &CStr = c"/bin/sh";
/// What a shell exits with when it cannot execute a program, and when there is none.
const NOT_EXECUTABLE: i32 = 126;
const NOT_FOUND: i32 = 127;

/// A program that starts the interpreter, if there is one, who else is started, and the variables.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Deferred {
    wrapper: Option<CString>,
    /// Whether the environment has an attendant, which starts extensions first.
    pub(super) attended: bool,
    pub(super) variables: Vec<CString>,
}

impl Deferred {
    /// Waits for the block.
    pub(super) fn receive(control: &mut File) -> io::Result<Self> {
        let mut length = [0; 4];
        control.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length) as usize;
        if length > LARGEST_BLOCK {
            return Err(io::Error::other("the environment variables are too large"));
        }
        let mut block = vec![0; length];
        control.read_exact(&mut block)?;
        Ok(Self::read(&block))
    }

    /// Splits a block of entries that are each ended by a NUL, the first of which is the wrapper, the second whether
    /// there are extensions.
    fn read(block: &[u8]) -> Self {
        let mut entries = block
            .split(|byte| *byte == 0)
            .map(|entry| CString::new(entry).expect("it was split at every NUL"));
        let wrapper = entries.next().filter(|wrapper| !wrapper.is_empty());
        let attended = entries.next().is_some_and(|extensions| !extensions.is_empty());
        Self {
            wrapper,
            attended,
            variables: entries.filter(|entry| !entry.is_empty()).collect(),
        }
    }

    /// Becomes the interpreter, or the wrapper, which gets its command line as arguments. Returns only if that fails
    /// in the interpreter's name. A function finds itself in the directory of its code when it starts.
    pub(super) fn execute(&self, directory: &str, path: &CStr, arguments: &[CString]) -> io::Error {
        // The code is there; if it is not, whoever needs it says so.
        let _ = rustix::process::chdir(directory);
        let Some(wrapper) = &self.wrapper else {
            return sys::execute(path, arguments, &self.variables);
        };
        let wrapped = |before: &[&CStr]| -> Vec<CString> {
            let command = before.iter().copied().chain([path]);
            command
                .map(CStr::to_owned)
                .chain(arguments.iter().skip(1).cloned())
                .collect()
        };
        if !Path::new(OsStr::from_bytes(wrapper.to_bytes())).is_file() {
            give_up(wrapper, "does not exist", NOT_FOUND);
        }
        if rustix::fs::access(wrapper.as_c_str(), Access::EXEC_OK).is_err() {
            give_up(wrapper, "is not an executable", NOT_EXECUTABLE);
        }
        let mut error = sys::execute(wrapper, &wrapped(&[wrapper]), &self.variables);
        if error.raw_os_error() == Some(libc::ENOEXEC) {
            error = sys::execute(SHELL, &wrapped(&[SHELL, wrapper]), &self.variables);
        }
        give_up(wrapper, &error.to_string(), NOT_EXECUTABLE)
    }
}

/// Ends as the script that starts Lambda's interpreters does.
fn give_up(wrapper: &CStr, why: &str, code: i32) -> ! {
    let _ = writeln!(io::stderr(), "{}: {why}", wrapper.to_string_lossy());
    sys::exit(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_split_into_wrapper_and_variables() {
        let block = Deferred::read(b"\0\0A=1\0B=x=y\0");
        assert_eq!((&block.wrapper, block.attended), (&None, false));
        assert_eq!(block.variables, [c"A=1".to_owned(), c"B=x=y".to_owned()]);
        let block = Deferred::read(b"/opt/wrap\0extensions\0A=1");
        assert_eq!(block.wrapper.as_deref(), Some(c"/opt/wrap"));
        assert!(block.attended);
        assert_eq!(block.variables, [c"A=1".to_owned()]);
        for nothing in [&b""[..], b"\0", b"\0\0\0"] {
            assert_eq!(Deferred::read(nothing), Deferred::default());
        }
    }
}
