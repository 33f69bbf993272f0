//! Ending environments, and what is left to do then.

use std::time::{Duration, Instant};

use hearth_types::EnvironmentId;
use rustix::process::Signal;

use super::environment::{Booting, Environment, Phase};
use super::{Warden, complain};
use crate::isolation::cgroup::Groups;
use crate::isolation::privileges::Identity;
use crate::isolation::world;
use crate::protocol::{Answer, Refusal};
use crate::sys;
use crate::{Exit, ExitStatus};

/// Groups that must go before their user number can be given out again.
pub(super) struct Remains {
    group: String,
    user: Identity,
    pub(super) retry: Instant,
}

/// How long to wait before trying again to remove a group.
const RETRY: Duration = Duration::from_millis(10);

impl Warden {
    /// Ends an environment, if there is one of this number.
    pub(super) fn kill(&mut self, id: EnvironmentId) {
        if let Some(environment) = self.environments.get_mut(&id) {
            // So that its peak is known: it cannot be asked any more afterwards.
            environment.memory.check();
            end(&self.groups, environment);
        }
    }

    /// Ends all environments.
    pub(super) fn kill_all(&mut self) {
        self.environments
            .values()
            .for_each(|environment| end(&self.groups, environment));
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
        match sys::wait(Some(environment.pid), false) {
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(error) => return complain(&error),
        }
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
                let exit = self.exit(&environment);
                self.outbox.put(Answer::Exited { id, exit });
            }
        }
        self.clear_away(environment.group, environment.user);
    }

    fn exit(&self, environment: &Environment) -> Exit {
        let (status, peak) = environment.ended.unwrap_or((libc::SIGKILL, 0));
        let by_kernel = self.groups.ran_out_of_memory(&environment.group);
        Exit {
            status: exit_status(status),
            out_of_memory: environment.out_of_memory || by_kernel,
            peak_memory_bytes: peak.max(environment.memory.peak()),
            cpu: self.groups.cpu_time(&environment.group),
        }
    }

    /// Removes an environment's groups, at once if that is possible, and only then frees its user.
    pub(super) fn clear_away(&mut self, group: String, user: Identity) {
        self.remains.push(Remains {
            group,
            user,
            retry: Instant::now(),
        });
        self.remove_remains();
    }

    /// Removes the groups of ended environments whose time has come.
    pub(super) fn remove_remains(&mut self) {
        let now = Instant::now();
        let (groups, users) = (&self.groups, &mut self.users);
        self.remains.retain_mut(|remains| {
            if remains.retry > now {
                return true;
            }
            match groups.remove(&remains.group) {
                Ok(true) => {
                    // It is missing where making the environment failed early.
                    let _ = world::remove_identity(remains.user.uid);
                    users.give_back(remains.user);
                    return false;
                }
                Ok(false) => {}
                Err(error) => complain(&format_args!("removing group {}: {error}", remains.group)),
            }
            remains.retry = now + RETRY;
            true
        });
    }
}

/// Kills an environment's first process; the kernel kills the others with it.
fn end(groups: &Groups, environment: &Environment) {
    // One that has ended already is about to be reaped.
    let _ = rustix::process::pidfd_send_signal(&environment.process, Signal::KILL);
    groups.thaw(&environment.group);
}

/// Reads a wait status.
fn exit_status(status: i32) -> ExitStatus {
    if libc::WIFSIGNALED(status) {
        ExitStatus::Signal(libc::WTERMSIG(status))
    } else {
        ExitStatus::Code(libc::WEXITSTATUS(status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_statuses_are_read() {
        assert_eq!(exit_status(0), ExitStatus::Code(0));
        assert_eq!(exit_status(127 << 8), ExitStatus::Code(127));
        assert_eq!(exit_status(libc::SIGKILL), ExitStatus::Signal(9));
        assert_eq!(exit_status(libc::SIGSEGV | 0x80), ExitStatus::Signal(11));
    }
}
