//! The interpreter's process, from the fork to the exec.

use std::convert::Infallible;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use hearth_types::Places;
use rustix::process::PidfdFlags;

use super::attendant;
use super::deferred::Deferred;
use super::status::{At, Failure, Status, Step};
use crate::sys::{self, Alone};
use crate::{BOOTSTRAPS, LaunchFailure, Start};

/// What is executed in an environment.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// An interpreter.
    Interpreter(Interpreter),
    /// The function's own bootstrap, with variables that come later.
    Bootstrap,
}

/// An interpreter, as it is started.
#[derive(Clone, Debug)]
pub(crate) struct Interpreter {
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

/// How the interpreter begins, in every tier.
pub(crate) struct Begin<'a> {
    pub(crate) alone: &'a Alone,
    pub(crate) program: &'a Program,
    pub(crate) places: &'a Places,
    pub(crate) control: BorrowedFd<'a>,
    pub(crate) output: BorrowedFd<'a>,
    pub(crate) status: BorrowedFd<'a>,
}

/// Confines the process and becomes the interpreter. Returns only if that fails before the environment has
/// started.
pub(crate) fn run(
    begin: &Begin<'_>,
    confine: impl FnOnce() -> Result<(), Failure>,
) -> Result<Infallible, Failure> {
    // First, since it takes numbers that others could be given.
    let control = place_descriptors(begin).at(Step::Descriptors)?;
    let own_status = File::open("/proc/self/status").at(Step::Descriptors)?;
    let process = own_process().at(Step::Descriptors)?;
    rustix::process::setsid().at(Step::User)?;
    confine()?;
    let started = Status::Started {
        status: own_status.into(),
        process,
    };
    started.send(begin.status).at(Step::Execute)?;
    let inherited = match begin.program {
        Program::Interpreter(_) => CONTROL + 1,
        // It has no use for the socket, and that it closes tells that the bootstrap runs.
        Program::Bootstrap => CONTROL,
    };
    sys::close_from(inherited, &[control.as_fd()]).at(Step::Execute)?;
    // From here on the environment counts as started, so what fails is told where its output goes, or its answers.
    let mut control = File::from(control);
    if let Program::Interpreter(interpreter) = begin.program
        && interpreter.start == Start::Ready
    {
        let error = sys::execute(
            &interpreter.path,
            &interpreter.arguments,
            &interpreter.environment,
        );
        complain(interpreter, &error);
        sys::exit(CANNOT_EXECUTE)
    }
    match Deferred::receive(&mut control) {
        Ok(deferred) if deferred.attended => {
            let start = |control: &mut File| execute(begin, &deferred, control);
            // It returns when the server has gone.
            let _ = attendant::run(begin.alone, begin.places, control, &deferred.variables, start);
        }
        Ok(deferred) => execute(begin, &deferred, &mut control),
        // Who was to send them has gone.
        Err(_) => {}
    }
    sys::exit(CANNOT_EXECUTE)
}

/// Names this process, whoever has the result.
fn own_process() -> io::Result<OwnedFd> {
    let own = rustix::process::getpid();
    Ok(rustix::process::pidfd_open(own, PidfdFlags::empty())?)
}

/// Becomes the program. Returns only if that fails.
fn execute(begin: &Begin<'_>, deferred: &Deferred, control: &mut File) {
    match begin.program {
        Program::Interpreter(interpreter) => {
            let error = deferred.execute(&begin.places.task(), &interpreter.path, &interpreter.arguments);
            complain(interpreter, &error);
        }
        Program::Bootstrap => {
            if let Ok(failure) = bootstrap(begin.places, &deferred.variables) {
                let _ = control.write_all(&failure.encode());
            }
        }
    }
}

fn complain(interpreter: &Interpreter, error: &io::Error) {
    let path = interpreter.path.to_string_lossy();
    let _ = writeln!(io::stderr(), "cannot start {path}: {error}");
}

/// Executes the function's own bootstrap, which closes the socket. Returns only if that fails.
fn bootstrap(places: &Places, variables: &[CString]) -> io::Result<LaunchFailure> {
    let bootstraps = BOOTSTRAPS.map(|path| places.of(path));
    let found = |path: &String| Path::new(path).metadata().is_ok_and(|found| !found.is_dir());
    let Some(place) = bootstraps.iter().position(found) else {
        return Ok(LaunchFailure::Missing);
    };
    std::env::set_current_dir(places.task())?;
    let path = CString::new(bootstraps[place].as_str())?;
    let error = sys::execute(&path, std::slice::from_ref(&path), variables);
    Ok(LaunchFailure::Refused(
        place,
        error.raw_os_error().unwrap_or(libc::EIO),
    ))
}

/// Standard input is empty, standard output and error are the log, then comes the control socket. A second
/// descriptor of that, which the exec closes, is returned.
fn place_descriptors(begin: &Begin<'_>) -> io::Result<OwnedFd> {
    // First out of the way of the numbers that are about to be given.
    let high = |descriptor: BorrowedFd<'_>| rustix::io::fcntl_dupfd_cloexec(descriptor, CONTROL + 1);
    let null = high(File::options().read(true).write(true).open("/dev/null")?.as_fd())?;
    let (output, control) = (high(begin.output)?, high(begin.control)?);
    for (number, descriptor) in [(0, &null), (1, &output), (2, &output), (CONTROL, &control)] {
        sys::place(descriptor.as_fd(), number)?;
    }
    Ok(control)
}
