//! Giving an environment its code, and holding it to its memory.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use hearth_types::{CodeHash, EnvironmentId};

use super::environment::Phase;
use super::{Warden, complain};
use crate::Code;
use crate::isolation::bounds::Memory;
use crate::isolation::ground::Furniture;
use crate::isolation::limits::Limits;
use crate::protocol::Refusal;

impl Warden {
    /// Claims an environment. One that could be claimed only in part is ended.
    pub(super) fn claim(
        &mut self,
        id: EnvironmentId,
        code: Code,
        layers: Option<&CodeHash>,
        limits: Limits,
    ) -> Result<(), Refusal> {
        let environment = self.environments.get(&id).ok_or(Refusal::NoSuchEnvironment)?;
        match environment.phase {
            Phase::Booting(_) | Phase::Failed => return Err(Refusal::NoSuchEnvironment),
            Phase::Claimed => return Err(Refusal::AlreadyClaimed),
            Phase::Booted => {}
        }
        let user = environment.user;
        let code = match code {
            Code::Package(hash) => self.open(&hash)?,
            Code::Folder(folder) => opened(self.ground.open_folder(&self.alone, folder, user))?,
        };
        let layers = layers.map(|layers| self.open(layers)).transpose()?;
        let furniture = Furniture {
            code: &code,
            layers: layers.as_ref(),
            ephemeral_mb: limits.ephemeral_mb,
        };
        self.give(id, &furniture, limits).map_err(|error| {
            complain(&format_args!("{id} could not be claimed: {error}"));
            self.kill(id);
            refuse(error)
        })
    }

    /// An unpacked package.
    fn open(&mut self, code: &CodeHash) -> Result<OwnedFd, Refusal> {
        opened(self.ground.open_code(code))
    }

    fn give(&mut self, id: EnvironmentId, furniture: &Furniture<'_>, limits: Limits) -> io::Result<()> {
        let environment = self.environments.get_mut(&id).ok_or(io::ErrorKind::NotFound)?;
        environment.phase = Phase::Claimed;
        if environment.limits != limits {
            environment.limits = limits;
            environment.bound.change(limits)?;
            environment.check_memory = Some(Instant::now());
        }
        self.ground.furnish(id, environment.process.as_fd(), furniture)
    }

    /// Looks at an environment's memory, since it has announced something.
    pub(super) fn look_at_memory(&mut self, id: EnvironmentId) {
        if let Some(environment) = self.environments.get_mut(&id) {
            environment.check_memory = Some(Instant::now());
        }
    }

    /// Looks at the memory of every environment whose time has come.
    pub(super) fn check_memory(&mut self, now: Instant) {
        let mut exceeded = Vec::new();
        for (id, environment) in &mut self.environments {
            if environment.check_memory.is_none_or(|at| at > now) {
                continue;
            }
            environment.check_memory = match environment.bound.check() {
                Memory::Within(next) => next.map(|wait: Duration| now + wait),
                Memory::Exceeded => {
                    environment.out_of_memory = true;
                    exceeded.push(*id);
                    None
                }
            };
        }
        exceeded.into_iter().for_each(|id| self.kill(id));
    }
}

fn opened(view: io::Result<OwnedFd>) -> Result<OwnedFd, Refusal> {
    match view {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Refusal::NoSuchCode),
        // Something else has this name: whatever it is, it is no code package.
        Err(error) if is_no_directory(&error) => Err(Refusal::NoSuchCode),
        other => other.map_err(refuse),
    }
}

fn refuse(error: io::Error) -> Refusal {
    Refusal::Setup(error.raw_os_error().unwrap_or(libc::EIO))
}

fn is_no_directory(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ENOTDIR | libc::ELOOP | libc::EXDEV)
    )
}
