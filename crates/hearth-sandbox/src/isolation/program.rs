//! The interpreter's process, from the fork to the exec.

use std::convert::Infallible;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::child::Plan;
use super::status::{At, Failure, Status, Step};
use super::{landlock, privileges};
use crate::{Start, sys};

/// What is executed in an environment.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// Where the environment finds it.
    pub(crate) path: CString,
    /// Its arguments, the first of which is its name.
    pub(crate) arguments: Vec<CString>,
    /// Its variables, unless they come later.
    pub(crate) environment: Vec<CString>,
    /// When it starts.
    pub(crate) start: Start,
}

/// The descriptor of the control socket that the interpreter inherits, beside 0, 1 and 2.
const CONTROL: i32 = 3;
/// What a shell answers for a program that cannot be executed.
const CANNOT_EXECUTE: i32 = 127;
/// The most bytes of variables.
const LARGEST_ENVIRONMENT: usize = 1 << 20;

/// Confines the process and becomes the interpreter. Returns only if that fails before the environment has
/// started.
pub(crate) fn run(plan: &Plan<'_>) -> Result<Infallible, Failure> {
    let own_status = File::open("/proc/self/status").at(Step::Descriptors)?;
    let control = place_descriptors(plan).at(Step::Descriptors)?;
    rustix::process::setsid().at(Step::User)?;
    privileges::become_user(plan.user).at(Step::User)?;
    landlock::confine(&["/tmp", "/dev/shm"]).at(Step::Landlock)?;
    sys::default_signals();
    // Late, because this process still holds the warden's descriptors, which may be more than it may open.
    privileges::limit_resources().at(Step::Resources)?;
    plan.filter.apply().at(Step::Seccomp)?;
    Status::Started(own_status.into())
        .send(plan.status)
        .at(Step::Execute)?;
    sys::close_from(CONTROL + 1, &[control.as_fd()]).at(Step::Execute)?;
    let error = match environment(plan.program, control) {
        Ok(variables) => sys::execute(&plan.program.path, &plan.program.arguments, &variables),
        Err(error) => error,
    };
    // From here on the environment counts as started, so this goes where its output goes.
    let path = plan.program.path.to_string_lossy();
    let _ = writeln!(io::stderr(), "cannot start {path}: {error}");
    sys::exit(CANNOT_EXECUTE)
}

/// Standard input is empty, standard output and error are the log, then comes the control socket. A second
/// descriptor of that, which the exec closes, is returned.
fn place_descriptors(plan: &Plan<'_>) -> io::Result<OwnedFd> {
    // First out of the way of the numbers that are about to be given.
    let high = |descriptor: BorrowedFd<'_>| rustix::io::fcntl_dupfd_cloexec(descriptor, CONTROL + 1);
    let null = high(File::options().read(true).write(true).open("/dev/null")?.as_fd())?;
    let (output, control) = (high(plan.output)?, high(plan.control)?);
    for (number, descriptor) in [(0, &null), (1, &output), (2, &output), (CONTROL, &control)] {
        sys::place(descriptor.as_fd(), number)?;
    }
    Ok(control)
}

/// The variables: those of the program, or the block that comes over the control socket.
fn environment(program: &Program, control: OwnedFd) -> io::Result<Vec<CString>> {
    if program.start == Start::Ready {
        return Ok(program.environment.clone());
    }
    let mut control = File::from(control);
    let mut length = [0; 4];
    control.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > LARGEST_ENVIRONMENT {
        return Err(io::Error::other("the environment variables are too large"));
    }
    let mut block = vec![0; length];
    control.read_exact(&mut block)?;
    Ok(variables(&block))
}

/// Splits a block of entries that are each ended by a NUL.
fn variables(block: &[u8]) -> Vec<CString> {
    let entries = block.split(|byte| *byte == 0).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| CString::new(entry).expect("it was split at every NUL"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_split_into_entries() {
        assert_eq!(
            variables(b"A=1\0B=x=y\0"),
            [c"A=1".to_owned(), c"B=x=y".to_owned()]
        );
        assert_eq!(variables(b"A=1"), [c"A=1".to_owned()]);
        assert!(variables(b"").is_empty() && variables(b"\0\0").is_empty());
    }
}
