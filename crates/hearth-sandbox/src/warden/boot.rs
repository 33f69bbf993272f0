//! Making an environment.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use hearth_types::EnvironmentId;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::pipe::PipeFlags;

use super::environment::{Booting, Environment, Phase};
use super::{Warden, complain};
use crate::isolation::cgroup::{Limits, MemoryWatch};
use crate::isolation::child::{self, NAMESPACES, Plan};
use crate::isolation::privileges::Identity;
use crate::isolation::program::Program;
use crate::isolation::status::Status;
use crate::isolation::world;
use crate::protocol::{Answer, Refusal};
use crate::sys::{self, Forked};
use crate::{RuntimeIndex, Start};

impl Warden {
    /// Makes an environment. The answer is given when it has started, or could not.
    pub(super) fn boot(&mut self, tag: u32, runtime: RuntimeIndex, start: Start, limits: Limits) {
        let Some(program) = self.runtimes.program(runtime, limits.memory_mb, start) else {
            return self.refuse(tag, Refusal::NoSuchRuntime);
        };
        let Some(user) = self.users.take() else {
            return self.refuse(tag, Refusal::Full);
        };
        self.last_id += 1;
        let id = EnvironmentId(self.last_id);
        let group = format!("e{}", id.0);
        match self.create(tag, &group, user, runtime, &program, limits) {
            Ok(environment) => {
                let watched = self.events.add(id, &environment);
                self.environments.insert(id, environment);
                if let Err(error) = watched {
                    complain(&error);
                    self.kill(id);
                }
            }
            Err(error) => {
                complain(&format_args!("cannot create an environment: {error}"));
                self.refuse(tag, Refusal::Setup(error.raw_os_error().unwrap_or(libc::EIO)));
                self.clear_away(group, user);
            }
        }
    }

    /// Creates the environment's first process. What it does from then on is [`child::run`]'s.
    fn create(
        &mut self,
        tag: u32,
        group: &str,
        user: Identity,
        runtime: RuntimeIndex,
        program: &Program,
        limits: Limits,
    ) -> io::Result<Environment> {
        self.groups.add(group)?;
        self.groups.limit(group, limits, self.cpu)?;
        let memory = MemoryWatch::start(&self.groups, group, limits.anonymous_bytes())?;
        let network = self.networks.take();
        world::write_identity(user.uid)?;
        let (control, control_inside) = pair(SocketType::STREAM)?;
        let (status, status_inside) = pair(SocketType::SEQPACKET)?;
        let (output, output_inside) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let plan = Plan {
            alone: &self.alone,
            groups: &self.groups,
            group,
            memory: &memory,
            network: network.as_ref().map(AsFd::as_fd),
            runtime: usize::from(runtime.0),
            program,
            user,
            keeper: self.keeper,
            identity: &world::identity(user.uid),
            filter: &self.filter,
            control: control_inside.as_fd(),
            output: output_inside.as_fd(),
            status: status_inside.as_fd(),
        };
        let entry = self.groups.entry(group)?;
        let (pid, process) = match sys::fork(&self.alone, NAMESPACES, entry.as_ref().map(AsFd::as_fd))? {
            Forked::Child => child::run(&plan),
            Forked::Parent(pid, process) => (pid, process),
        };
        Ok(Environment {
            group: group.to_owned(),
            limits,
            user,
            pid,
            process,
            status,
            memory,
            check_memory: None,
            out_of_memory: false,
            phase: Phase::Booting(Booting { tag, control, output }),
            ended: None,
        })
    }

    /// Listens to an environment's first process. Says whether it might have more to say.
    pub(super) fn hear(&mut self, id: EnvironmentId) -> bool {
        let Some(environment) = self.environments.get_mut(&id) else {
            return false;
        };
        match Status::receive(&environment.status) {
            Ok(Some(Status::Started(process))) => self.report_booted(id, process),
            Ok(Some(Status::Failed(step, errno))) => {
                let error = io::Error::from_raw_os_error(errno);
                complain(&format_args!("{id} could not be set up: {step:?}: {error}"));
                self.fail_boot(id, errno);
            }
            Ok(Some(Status::Ended { status, peak_bytes })) => environment.ended = Some((status, peak_bytes)),
            Ok(None) => return false,
            // It ends, or talks nonsense: then it shall.
            Err(_) => {
                self.events.remove_status(environment);
                self.kill(id);
                return false;
            }
        }
        true
    }

    fn report_booted(&mut self, id: EnvironmentId, process: OwnedFd) {
        let Some(environment) = self.environments.get_mut(&id) else {
            return;
        };
        let Phase::Booting(Booting { tag, control, output }) =
            std::mem::replace(&mut environment.phase, Phase::Booted)
        else {
            return;
        };
        match environment.memory.stat() {
            Ok(stat) => {
                self.outbox
                    .put_with(Answer::Booted { tag, id }, vec![control, output, stat, process]);
            }
            Err(error) => {
                environment.phase = Phase::Booting(Booting { tag, control, output });
                self.fail_boot(id, error.raw_os_error().unwrap_or(libc::EIO));
            }
        }
    }
}

fn pair(kind: SocketType) -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(
        AddressFamily::UNIX,
        kind,
        SocketFlags::CLOEXEC,
        None,
    )?)
}
