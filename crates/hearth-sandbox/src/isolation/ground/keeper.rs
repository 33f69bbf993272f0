//! The first process of an environment without walls, from its creation on.
//!
//! No namespace ends the environment's processes with it, so it does that itself: whatever the interpreter starts stays
//! below it, since orphans become its children, and it ends when none is left. It outlives the warden for as long as
//! that takes.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use super::{descendants, scratch};
use crate::isolation::privileges;
use crate::isolation::program::{self, Begin};
use crate::isolation::status::{At, Failure, Status, Step};
use crate::launcher::poll;
use crate::sys::{self, ChildSignals, Forked};

/// How long to wait for an end before looking again for processes that were not there the last time.
const AGAIN: Duration = Duration::from_millis(10);

/// Everything the first process needs to know.
pub(super) struct Plan<'a> {
    pub(super) begin: Begin<'a>,
}

/// Runs the environment. The process never returns to what its parent was doing.
pub(super) fn run(plan: &Plan<'_>) -> ! {
    let Err(failure) = start(plan);
    // If the warden is not there any more, nobody wants to know.
    let _ = Status::Failed(failure.step, failure.errno).send(plan.begin.status);
    sys::exit(1)
}

fn start(plan: &Plan<'_>) -> Result<Infallible, Failure> {
    privileges::adopt_orphans().at(Step::Groups)?;
    let ends = ChildSignals::block().at(Step::Groups)?;
    match sys::fork(plan.begin.alone, 0, None).at(Step::Fork)? {
        Forked::Child => program::run(&plan.begin, confine),
        Forked::Parent(interpreter, process) => {
            drop(process);
            let kept = keep(plan, interpreter, &ends);
            // Whatever went wrong, nothing is left.
            let ended = end_all(&ends, interpreter);
            if let (Ok(false), Ok(Some(ended))) = (&kept, &ended) {
                let _ = tell(plan, ended);
            }
            // What cannot be removed by its owner is left to whoever looks after the directory.
            let _ = scratch::remove(Path::new(plan.begin.places.root()));
            kept.at(Step::Fork)?;
            sys::exit(0)
        }
    }
}

/// What is left of the walls in the interpreter's process.
fn confine() -> Result<(), Failure> {
    privileges::gain_nothing().at(Step::User)?;
    privileges::die_with_parent().at(Step::User)?;
    privileges::go_after_others().at(Step::Resources)?;
    // When the machine runs out of memory, environments go first.
    fs::write("/proc/self/oom_score_adj", "1000").at(Step::Groups)?;
    sys::default_signals();
    privileges::limit_own_resources().at(Step::Resources)
}

/// Reaps whatever ends until the interpreter does, which is told, or nobody wants the environment any more. Says
/// whether the interpreter has ended.
fn keep(plan: &Plan<'_>, interpreter: Pid, ends: &ChildSignals) -> io::Result<bool> {
    let status = plan.begin.status;
    sys::close_from(0, &[status, ends.as_fd()])?;
    rustix::thread::set_name(c"keeper")?;
    loop {
        let [_, unwanted] = poll([ends.as_fd(), status], None)?;
        ends.take()?;
        while let Some(ended) = sys::wait(None, false)? {
            if is(&ended, interpreter) {
                tell(plan, &ended)?;
                return Ok(true);
            }
        }
        if unwanted {
            return Ok(false);
        }
    }
}

/// Ends everything below this process. Says how the interpreter ended, if it does only now.
fn end_all(ends: &ChildSignals, interpreter: Pid) -> io::Result<Option<sys::Ended>> {
    let mut last = None;
    loop {
        descendants::kill_below(std::process::id());
        loop {
            match sys::wait(None, false) {
                Ok(Some(ended)) if is(&ended, interpreter) => last = Some(ended),
                Ok(Some(_)) => {}
                Ok(None) => break,
                // No child is left, and so nobody who could have any.
                Err(error) if error.raw_os_error() == Some(libc::ECHILD) => return Ok(last),
                Err(error) => return Err(error),
            }
        }
        poll([ends.as_fd()], Some(Instant::now() + AGAIN))?;
        ends.take()?;
    }
}

fn is(ended: &sys::Ended, process: Pid) -> bool {
    ended.pid == process.as_raw_nonzero().get()
}

fn tell(plan: &Plan<'_>, ended: &sys::Ended) -> io::Result<()> {
    Status::Ended {
        status: ended.status,
        peak_bytes: ended.peak_bytes,
    }
    .send(plan.begin.status)
}
