//! Making an environment.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use hearth_types::EnvironmentId;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::pipe::PipeFlags;

use super::environment::{Booting, Environment, Phase};
use super::socket::Pace;
use super::{Warden, complain};
use crate::isolation::bounds::Bound;
use crate::isolation::ground::{Created, New};
use crate::isolation::limits::Limits;
use crate::isolation::network::Parts;
use crate::isolation::privileges::Identity;
use crate::isolation::program::Program;
use crate::isolation::status::Status;
use crate::protocol::{Answer, Refusal};
use crate::{RuntimeIndex, Start};

/// This side's ends of an environment's sockets.
struct Ends {
    status: OwnedFd,
    control: OwnedFd,
    output: OwnedFd,
}

impl Warden {
    /// Makes an environment. The answer is given when it has started, or could not.
    pub(super) fn boot(&mut self, tag: u32, runtime: RuntimeIndex, start: Start, limits: Limits) {
        let id = EnvironmentId(self.last_id + 1);
        let places = self.ground.places(id);
        let Some(program) = self.runtimes.program(runtime, limits.memory_mb, start, &places) else {
            return self.refuse(tag, Refusal::NoSuchRuntime);
        };
        if self.users.are_taken() {
            self.remove_remains(usize::MAX);
        }
        let Some(user) = self.users.take() else {
            return self.refuse(tag, Refusal::Full);
        };
        self.last_id = id.0;
        let bound = match self.bounds.make(&format!("e{}", id.0), limits) {
            Ok(bound) => bound,
            Err(error) => {
                self.users.give_back(user);
                return self.refuse_setup(tag, &error);
            }
        };
        match self.create(id, &*bound, user, runtime, &program) {
            Ok((created, ends)) => {
                let Created {
                    pid,
                    process,
                    listener,
                    steering,
                } = created;
                let Ends {
                    status,
                    control,
                    output,
                } = ends;
                let environment = Environment {
                    bound,
                    limits,
                    user,
                    pid,
                    process,
                    status,
                    interpreter: None,
                    check_memory: None,
                    out_of_memory: false,
                    steering,
                    sockets: Pace::new(Instant::now()),
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
                self.clear_away(id, bound, user);
            }
        }
    }

    fn refuse_setup(&mut self, tag: u32, error: &io::Error) {
        complain(&format_args!("cannot create an environment: {error}"));
        self.refuse(tag, Refusal::Setup(error.raw_os_error().unwrap_or(libc::EIO)));
    }

    /// Creates the environment's first process.
    fn create(
        &mut self,
        id: EnvironmentId,
        bound: &dyn Bound,
        user: Identity,
        runtime: RuntimeIndex,
        program: &Program,
    ) -> io::Result<(Created, Ends)> {
        let (control, control_inside) = pair(SocketType::STREAM)?;
        let (status, status_inside) = pair(SocketType::SEQPACKET)?;
        let (output, output_inside) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let new = New {
            id,
            bound,
            user,
            runtime,
            program,
            control: control_inside.as_fd(),
            output: output_inside.as_fd(),
            status: status_inside.as_fd(),
        };
        let ends = Ends {
            status,
            control,
            output,
        };
        Ok((self.ground.create(&self.alone, &new)?, ends))
    }

    /// Listens to an environment's first process. Says whether it might have more to say.
    pub(super) fn hear(&mut self, id: EnvironmentId) -> bool {
        let Some(environment) = self.environments.get_mut(&id) else {
            return false;
        };
        match Status::receive(&environment.status) {
            Ok(Some(Status::Network(parts))) => self.keep_network(id, parts),
            Ok(Some(Status::Started { status, process })) => self.report_booted(id, status, process),
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
            booting.listener = Some(sockets.into());
            environment.steering = steering;
        }
    }

    fn report_booted(&mut self, id: EnvironmentId, status: OwnedFd, process: OwnedFd) {
        let Some(environment) = self.environments.get_mut(&id) else {
            return;
        };
        let Some(booting) = environment.phase.start() else {
            return;
        };
        environment.interpreter = Some(process);
        let bound = &mut environment.bound;
        let started = bound
            .started(environment.pid)
            .and_then(|first| Ok((first, bound.gauge()?, bound.freezer()?)));
        match (started, booting) {
            (
                Ok((first, stat, freezer)),
                Booting {
                    tag,
                    control,
                    output,
                    listener: Some(sockets),
                },
            ) => {
                environment.check_memory = first.map(|wait| Instant::now() + wait);
                let reach = self.ground.reach(environment.steering.is_some());
                let answer = Answer::Booted {
                    tag,
                    id,
                    reach,
                    freezes: freezer.is_some(),
                };
                let descriptors = [control, output, stat, status].into_iter();
                self.outbox
                    .put_with(answer, descriptors.chain(freezer).chain(sockets).collect());
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
