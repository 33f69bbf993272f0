//! Making an environment.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use hearth_types::EnvironmentId;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::pipe::PipeFlags;
use rustix::process::Pid;

use super::environment::{Booting, Environment, Phase};
use super::{Warden, complain};
use crate::isolation::bounds::Bound;
use crate::isolation::child::{self, NAMESPACES, Plan};
use crate::isolation::limits::Limits;
use crate::isolation::network::Parts;
use crate::isolation::privileges::Identity;
use crate::isolation::program::Program;
use crate::isolation::status::Status;
use crate::isolation::world;
use crate::protocol::{Answer, Refusal};
use crate::sys::{self, Forked};
use crate::{RuntimeIndex, Start};

/// A process that was just created: itself, and this side's ends of its sockets.
struct Created {
    pid: Pid,
    process: OwnedFd,
    status: OwnedFd,
    control: OwnedFd,
    output: OwnedFd,
    /// Those of its network, unless it makes that itself.
    parts: Option<Parts>,
}

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
        let bound = match self.bounds.make(&format!("e{}", id.0), limits) {
            Ok(bound) => bound,
            Err(error) => {
                self.users.give_back(user);
                return self.refuse_setup(tag, &error);
            }
        };
        match self.create(&*bound, user, runtime, &program) {
            Ok(Created {
                pid,
                process,
                status,
                control,
                output,
                parts,
            }) => {
                let (listener, steering) =
                    parts.map_or((None, None), |parts| (Some(parts.sockets), parts.steering));
                let environment = Environment {
                    bound,
                    limits,
                    user,
                    pid,
                    process,
                    status,
                    check_memory: None,
                    out_of_memory: false,
                    steering,
                    phase: Phase::Booting(Booting {
                        tag,
                        control,
                        output,
                        listener,
                    }),
                    ended: None,
                };
                let watched = self.events.add(id, &environment);
                self.environments.insert(id, environment);
                if let Err(error) = watched {
                    complain(&error);
                    self.kill(id);
                }
            }
            Err(error) => {
                self.refuse_setup(tag, &error);
                self.clear_away(bound, user);
            }
        }
    }

    fn refuse_setup(&mut self, tag: u32, error: &io::Error) {
        complain(&format_args!("cannot create an environment: {error}"));
        self.refuse(tag, Refusal::Setup(error.raw_os_error().unwrap_or(libc::EIO)));
    }

    /// Creates the environment's first process. What it does from then on is [`child::run`]'s.
    fn create(
        &mut self,
        bound: &dyn Bound,
        user: Identity,
        runtime: RuntimeIndex,
        program: &Program,
    ) -> io::Result<Created> {
        let network = self.networks.take();
        world::write_identity(user.uid)?;
        let (control, control_inside) = pair(SocketType::STREAM)?;
        let (status, status_inside) = pair(SocketType::SEQPACKET)?;
        let (output, output_inside) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let plan = Plan {
            alone: &self.alone,
            tier: self.tier,
            proc: self.proc.as_fd(),
            bound,
            network: network.as_ref().map(AsFd::as_fd),
            interception: self.networks.interception,
            runtime: runtime.in_table(),
            program,
            user,
            keeper: self.keeper,
            identity: &world::identity(user.uid),
            filter: &self.filter,
            control: control_inside.as_fd(),
            output: output_inside.as_fd(),
            status: status_inside.as_fd(),
        };
        match sys::fork(&self.alone, NAMESPACES, bound.entry())? {
            Forked::Child => child::run(&plan),
            Forked::Parent(pid, process) => Ok(Created {
                pid,
                process,
                status,
                control,
                output,
                parts: network.map(|network| network.parts),
            }),
        }
    }

    /// Listens to an environment's first process. Says whether it might have more to say.
    pub(super) fn hear(&mut self, id: EnvironmentId) -> bool {
        let Some(environment) = self.environments.get_mut(&id) else {
            return false;
        };
        match Status::receive(&environment.status) {
            Ok(Some(Status::Network(parts))) => self.keep_network(id, parts),
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

    /// Takes what an environment has made of its own network.
    fn keep_network(&mut self, id: EnvironmentId, parts: Vec<OwnedFd>) {
        let Some(environment) = self.environments.get_mut(&id) else {
            return;
        };
        if let (Phase::Booting(booting), Ok(Parts { sockets, steering })) =
            (&mut environment.phase, Parts::try_from(parts))
        {
            booting.listener = Some(sockets);
            environment.steering = steering;
        }
    }

    fn report_booted(&mut self, id: EnvironmentId, process: OwnedFd) {
        let Some(environment) = self.environments.get_mut(&id) else {
            return;
        };
        let Some(booting) = environment.phase.start() else {
            return;
        };
        let bound = &mut environment.bound;
        let started = bound
            .started(environment.pid)
            .and_then(|first| Ok((first, bound.gauge()?)));
        match (started, booting) {
            (
                Ok((first, stat)),
                Booting {
                    tag,
                    control,
                    output,
                    listener: Some(sockets),
                },
            ) => {
                environment.check_memory = first.map(|wait| Instant::now() + wait);
                let intercepts = environment.steering.is_some();
                let descriptors = [control, output, stat, process]
                    .into_iter()
                    .chain(sockets)
                    .collect();
                self.outbox
                    .put_with(Answer::Booted { tag, id, intercepts }, descriptors);
            }
            (stat, booting) => {
                environment.phase = Phase::Booting(booting);
                let errno = stat.err().and_then(|error| error.raw_os_error());
                self.fail_boot(id, errno.unwrap_or(libc::EIO));
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
