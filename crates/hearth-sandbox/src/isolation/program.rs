//! The interpreter's process, from the fork to the exec.

use std::convert::Infallible;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use super::attendant;
use super::child::Plan;
use super::deferred::Deferred;
use super::status::{At, Failure, Status, Step};
use super::{landlock, privileges};
use crate::{BOOTSTRAPS, LaunchFailure, Start, sys};

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
/// Where a bootstrap is started.
const TASK_ROOT: &str = "/var/task";
/// What a shell answers for a program that cannot be executed.
const CANNOT_EXECUTE: i32 = 127;

/// Confines the process and becomes the interpreter. Returns only if that fails before the environment has
/// started.
pub(crate) fn run(plan: &Plan<'_>) -> Result<Infallible, Failure> {
    let own_status = File::open("/proc/self/status").at(Step::Descriptors)?;
    let control = place_descriptors(plan).at(Step::Descriptors)?;
    rustix::process::setsid().at(Step::User)?;
    plan.tier.become_user(plan.user, plan.proc).at(Step::User)?;
    plan.tier.go_after_others().at(Step::Resources)?;
    landlock::confine(&["/tmp", "/dev/shm"]).at(Step::Landlock)?;
    sys::default_signals();
    // Late, because this process still holds the warden's descriptors, which may be more than it may open.
    privileges::limit_resources().at(Step::Resources)?;
    plan.filter.apply().at(Step::Seccomp)?;
    Status::Started(own_status.into())
        .send(plan.status)
        .at(Step::Execute)?;
    let inherited = match plan.program {
        Program::Interpreter(_) => CONTROL + 1,
        // It has no use for the socket, and that it closes tells that the bootstrap runs.
        Program::Bootstrap => CONTROL,
    };
    sys::close_from(inherited, &[control.as_fd()]).at(Step::Execute)?;
    // From here on the environment counts as started, so what fails is told where its output goes, or its answers.
    let mut control = File::from(control);
    if let Program::Interpreter(interpreter) = plan.program
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
            let start = |control: &mut File| execute(plan.program, &deferred, control);
            // It returns when the server has gone.
            let _ = attendant::run(plan.alone, control, &deferred.variables, start);
        }
        Ok(deferred) => execute(plan.program, &deferred, &mut control),
        // Who was to send them has gone.
        Err(_) => {}
    }
    sys::exit(CANNOT_EXECUTE)
}

/// Becomes the program. Returns only if that fails.
fn execute(program: &Program, deferred: &Deferred, control: &mut File) {
    match program {
        Program::Interpreter(interpreter) => {
            let error = deferred.execute(&interpreter.path, &interpreter.arguments);
            complain(interpreter, &error);
        }
        Program::Bootstrap => {
            if let Ok(failure) = bootstrap(&deferred.variables) {
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
fn bootstrap(variables: &[CString]) -> io::Result<LaunchFailure> {
    let found = |path: &&str| Path::new(path).metadata().is_ok_and(|found| !found.is_dir());
    let Some(place) = BOOTSTRAPS.iter().position(found) else {
        return Ok(LaunchFailure::Missing);
    };
    std::env::set_current_dir(TASK_ROOT)?;
    let path = CString::new(BOOTSTRAPS[place])?;
    let error = sys::execute(&path, std::slice::from_ref(&path), variables);
    Ok(LaunchFailure::Refused(
        place,
        error.raw_os_error().unwrap_or(libc::EIO),
    ))
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
