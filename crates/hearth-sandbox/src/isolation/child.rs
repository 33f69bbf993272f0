//! The first process of an environment, from its creation on.
//!
//! It puts up the walls, starts the interpreter's process, and then stays as a small init: an interpreter
//! that was process 1 would be deaf to its own signals, and orphans would have nobody to reap them.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::process::{Pid, Signal};
use rustix::thread::UnshareFlags;

use super::bounds::Bound;
use super::network::Interception;
use super::privileges::{self, Identity};
use super::program::{self, Begin};
use super::sampled::CROWDED;
use super::seccomp::Filter;
use super::status::{At, Failure, Status, Step};
use super::tier::Walls;
use super::{landlock, network, root};
use crate::sys::{self, Awaited, Forked};

/// The namespaces a new environment is created in. It enters its network namespace itself, since that was made ahead,
/// makes its cgroup namespace when it is in its groups, so that they are all it sees, and copies its mount namespace
/// from the stage of its runtime.
pub(crate) const NAMESPACES: libc::c_int = libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;

/// The first descriptor that is not one of the three that every process has.
const FIRST: i32 = 3;

/// Everything the first process needs to know.
pub(crate) struct Plan<'a> {
    pub(crate) walls: Walls,
    /// The warden's /proc.
    pub(crate) proc: BorrowedFd<'a>,
    pub(crate) bound: &'a dyn Bound,
    /// A network namespace that was made ahead.
    pub(crate) network: Option<BorrowedFd<'a>>,
    /// Whether one that is made now hands all its connections to the server.
    pub(crate) interception: Option<Interception>,
    /// What it has in common with others of its runtime (see [`root::Stage`]).
    pub(crate) stage: BorrowedFd<'a>,
    /// The interpreter's user.
    pub(crate) user: Identity,
    /// The user of init, which no interpreter ever is.
    pub(crate) keeper: Identity,
    /// Where the interpreter's passwd and group files are.
    pub(crate) identity: &'a str,
    pub(crate) filter: &'a Filter,
    pub(crate) begin: Begin<'a>,
}

/// Runs the environment. The process never returns to what its parent was doing.
pub(crate) fn run(plan: &Plan<'_>) -> ! {
    let Err(failure) = prepare(plan).and_then(|()| split(plan));
    // If the warden is not there any more, nobody wants to know.
    let _ = Status::Failed(failure.step, failure.errno).send(plan.begin.status);
    sys::exit(1)
}

fn prepare(plan: &Plan<'_>) -> Result<(), Failure> {
    // First, since everything else is cheaper without a copy of all that the warden has open.
    sys::close_from(FIRST, &inherited(plan)).at(Step::Descriptors)?;
    privileges::die_with_parent().at(Step::Groups)?;
    plan.bound.enter().at(Step::Groups)?;
    // When the machine runs out of memory, environments go first.
    fs::write("/proc/self/oom_score_adj", "1000").at(Step::Groups)?;
    sys::unshare(UnshareFlags::NEWCGROUP).at(Step::Namespaces)?;
    match plan.network {
        Some(ready) => network::enter(ready).at(Step::Namespaces)?,
        None => {
            let parts = network::enter_new(plan.interception).at(Step::Namespaces)?;
            Status::Network(parts.into())
                .send(plan.begin.status)
                .at(Step::Namespaces)?;
        }
    }
    rustix::system::sethostname(b"sandbox").at(Step::Namespaces)?;
    root::assemble(plan.stage, plan.identity).at(Step::Root)
}

/// What this process needs of the warden's descriptors.
fn inherited<'a>(plan: &'a Plan<'_>) -> Vec<BorrowedFd<'a>> {
    let Begin {
        control,
        output,
        status,
        ..
    } = plan.begin;
    let own = [plan.proc, plan.stage, control, output, status];
    let bound = plan.bound.inherited();
    own.into_iter().chain(plan.network).chain(bound).collect()
}

fn split(plan: &Plan<'_>) -> Result<Infallible, Failure> {
    match sys::fork(plan.begin.alone, 0, None).at(Step::Fork)? {
        Forked::Child => program::run(&plan.begin, || confine(plan)),
        Forked::Parent(interpreter, process) => {
            drop(process);
            keep(plan, interpreter).at(Step::Fork)
        }
    }
}

/// Puts up what is left of the walls in the interpreter's process.
fn confine(plan: &Plan<'_>) -> Result<(), Failure> {
    plan.walls.become_user(plan.user, plan.proc).at(Step::User)?;
    plan.walls.go_after_others().at(Step::Resources)?;
    landlock::confine(&["/tmp", "/dev/shm"]).at(Step::Landlock)?;
    sys::default_signals();
    privileges::limit_resources().at(Step::Resources)?;
    plan.filter.apply().at(Step::Seccomp)
}

/// Reaps whatever ends, until the interpreter does. The kernel then ends the rest of the environment with
/// init.
fn keep(plan: &Plan<'_>, interpreter: Pid) -> io::Result<Infallible> {
    let awaited = Awaited::block(&[Signal::CHILD, CROWDED])?;
    plan.bound.settle(&[plan.begin.status, plan.proc])?;
    privileges::limit_resources()?;
    plan.walls.become_user(plan.keeper, plan.proc)?;
    sys::close_from(0, &[plan.begin.status])?;
    rustix::thread::set_name(c"init")?;
    loop {
        while let Some(ended) = sys::wait(None, false)? {
            if ended.pid == interpreter.as_raw_nonzero().get() {
                Status::Ended {
                    status: ended.status,
                    peak_bytes: ended.peak_bytes,
                }
                .send(plan.begin.status)?;
                sys::exit(0);
            }
        }
        if awaited.wait()? == CROWDED {
            privileges::stand_back()?;
        }
    }
}
