//! Ending environments, and what is left to do then.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use hearth_types::EnvironmentId;
use rustix::process::Signal;

use super::environment::{Booting, Environment, Phase};
use super::{Warden, complain};
use crate::isolation::bounds::Bound;
use crate::isolation::ground::Ground;
use crate::isolation::privileges::Identity;
use crate::protocol::{Answer, Refusal};
use crate::sys;
use crate::{Exit, ExitStatus};

/// What must go before its user number can be given out again.
pub(super) struct Remains {
    id: EnvironmentId,
    bound: Box<dyn Bound>,
    user: Identity,
    pub(super) retry: Instant,
}

/// How long to wait before trying again to remove bounds.
const RETRY: Duration = Duration::from_millis(10);

impl Warden {
    /// Ends an environment, if there is one of this number.
    pub(super) fn kill(&mut self, id: EnvironmentId) {
        if let Some(environment) = self.environments.get_mut(&id) {
            environment.bound.last_look();
            end(&*self.ground, environment);
        }
    }

    /// Asks the interpreter of an environment to end, if there is one of this number that has started.
    pub(super) fn terminate(&self, id: EnvironmentId) {
        let environment = self.environments.get(&id);
        if let Some(interpreter) = environment.and_then(|environment| environment.interpreter.as_ref()) {
            // It may have ended already.
            let _ = rustix::process::pidfd_send_signal(interpreter, Signal::TERM);
        }
    }

    /// Ends all environments.
    pub(super) fn kill_all(&mut self) {
        let ground = &*self.ground;
        self.environments
            .values()
            .for_each(|environment| end(ground, environment));
    }

    /// Ends an environment that could not be made.
    pub(super) fn fail_boot(&mut self, id: EnvironmentId, errno: i32) {
        let Some(environment) = self.environments.get_mut(&id) else {
            return;
        };
        if let Phase::Booting(Booting { tag, .. }) = environment.phase {
            environment.phase = Phase::Failed;
            self.outbox.put(Answer::Refused {
                tag,
                refusal: Refusal::Setup(errno),
            });
        }
        self.kill(id);
    }

    /// Reaps an environment's first process, and tells the server how its interpreter ended.
    pub(super) fn reap(&mut self, id: EnvironmentId) {
        let Some(environment) = self.environments.get(&id) else {
            return;
        };
        let waited = match sys::wait(Some(environment.pid), false) {
            Ok(Some(ended)) => ended.cpu,
            Ok(None) => return,
            Err(error) => return complain(&error),
        };
        // Its last words may still be unheard.
        while self.hear(id) {}
        let Some(environment) = self.environments.remove(&id) else {
            return;
        };
        self.events.remove(&environment);
        match environment.phase {
            Phase::Booting(Booting { tag, .. }) => self.refuse(tag, Refusal::Setup(libc::ECHILD)),
            Phase::Failed => {}
            Phase::Booted | Phase::Claimed => {
                let exit = exit(&environment, waited);
                self.outbox.put(Answer::Exited { id, exit });
            }
        }
        self.clear_away(id, environment.bound, environment.user);
    }

    /// Has an environment's bounds removed, when who waits for its end has been told, and only then frees its user.
    pub(super) fn clear_away(&mut self, id: EnvironmentId, bound: Box<dyn Bound>, user: Identity) {
        self.remains.push(Remains {
            id,
            bound,
            user,
            retry: Instant::now(),
        });
    }

    /// Removes the bounds of ended environments whose time has come, of so many at most.
    pub(super) fn remove_remains(&mut self, mut most: usize) {
        let now = Instant::now();
        let (users, ground) = (&mut self.users, &mut self.ground);
        self.remains.retain_mut(|remains| {
            if remains.retry > now || most == 0 {
                return true;
            }
            most -= 1;
            let removed = match remains.bound.remove() {
                Ok(true) => ground.clear(remains.id, remains.user),
                other => other,
            };
            match removed {
                Ok(true) => {
                    users.give_back(remains.user);
                    return false;
                }
                Ok(false) => {}
                Err(error) => complain(&format_args!("removing what held an environment: {error}")),
            }
            remains.retry = now + RETRY;
            true
        });
    }
}

/// Has an environment end.
fn end(ground: &dyn Ground, environment: &Environment) {
    ground.end(environment.process.as_fd(), environment.status.as_fd());
}

/// How an environment ended. `waited` is the CPU time its first process knows of.
fn exit(environment: &Environment, waited: Duration) -> Exit {
    let (status, peak) = environment.ended.unwrap_or((libc::SIGKILL, 0));
    Exit {
        status: ExitStatus::of_wait(status),
        out_of_memory: environment.out_of_memory || environment.bound.ran_out_of_memory(),
        peak_memory_bytes: peak.max(environment.bound.peak()),
        cpu: environment.bound.cpu_time(waited),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_statuses_are_read() {
        assert_eq!(ExitStatus::of_wait(0), ExitStatus::Code(0));
        assert_eq!(ExitStatus::of_wait(127 << 8), ExitStatus::Code(127));
        assert_eq!(ExitStatus::of_wait(libc::SIGKILL), ExitStatus::Signal(9));
        assert_eq!(ExitStatus::of_wait(libc::SIGSEGV | 0x80), ExitStatus::Signal(11));
    }
}
