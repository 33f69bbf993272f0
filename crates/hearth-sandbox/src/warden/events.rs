//! What the warden waits for, and whom it concerns.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use hearth_types::EnvironmentId;
use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};

use super::Warden;
use super::environment::Environment;

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The server has sent requests, or takes answers again.
    Server,
    /// The server is gone.
    ServerGone,
    /// The launcher has a folder to show, or is gone.
    Launcher,
    /// An environment's first process has ended.
    Ended(EnvironmentId),
    /// An environment's first process has something to say.
    Status(EnvironmentId),
    /// An environment's memory is running out.
    Memory(EnvironmentId),
}

/// The descriptors that are waited for.
pub(super) struct Events {
    epoll: OwnedFd,
    /// Whether the server is waited for to take answers, rather than for its requests.
    backed_up: bool,
}

/// When nothing has happened for so long, there is time to prepare something: not while an environment is
/// being made, since both would wait for the same locks of the kernel's.
const QUIET: Duration = Duration::from_millis(2);

/// How many ended environments are cleared away before other events have their turn.
const REMOVALS: usize = 8;

const SERVER: u64 = u64::MAX;
const LAUNCHER: u64 = u64::MAX - 1;
const ENDED: u64 = 0;
const STATUS: u64 = 1;
const MEMORY: u64 = 2;

impl Events {
    /// Waits for the server.
    pub(super) fn watch(server: &OwnedFd) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(
            &epoll,
            server,
            EventData::new_u64(SERVER),
            EventFlags::IN | EventFlags::RDHUP,
        )?;
        Ok(Self {
            epoll,
            backed_up: false,
        })
    }

    /// Waits for the launcher too.
    pub(super) fn add_launcher(&self, launcher: &OwnedFd) -> io::Result<()> {
        Ok(epoll::add(
            &self.epoll,
            launcher,
            EventData::new_u64(LAUNCHER),
            EventFlags::IN,
        )?)
    }

    /// Stops waiting for the launcher.
    pub(super) fn remove_launcher(&self, launcher: &OwnedFd) {
        let _ = epoll::delete(&self.epoll, launcher);
    }

    /// Waits for an environment too.
    pub(super) fn add(&self, id: EnvironmentId, environment: &Environment) -> io::Result<()> {
        self.register(&environment.process, id, ENDED, EventFlags::IN)?;
        self.register(&environment.status, id, STATUS, EventFlags::IN)?;
        environment
            .bound
            .alarm()
            .map_or(Ok(()), |(alarm, wanted)| self.register(alarm, id, MEMORY, wanted))
    }

    fn register(
        &self,
        descriptor: impl AsFd,
        id: EnvironmentId,
        kind: u64,
        wanted: EventFlags,
    ) -> io::Result<()> {
        Ok(epoll::add(
            &self.epoll,
            descriptor,
            EventData::new_u64(id.0 << 2 | kind),
            wanted,
        )?)
    }

    /// Stops waiting for an environment. Closing its descriptors alone would not do: a child that was just
    /// forked may still hold copies.
    pub(super) fn remove(&self, environment: &Environment) {
        let alarm = environment.bound.alarm().map(|(alarm, _)| alarm);
        let own = [environment.process.as_fd(), environment.status.as_fd()];
        for descriptor in own.into_iter().chain(alarm) {
            // What was never added need not be removed.
            let _ = epoll::delete(&self.epoll, descriptor);
        }
    }

    /// Stops waiting for a status socket that has nothing more to say.
    pub(super) fn remove_status(&self, environment: &Environment) {
        let _ = epoll::delete(&self.epoll, &environment.status);
    }

    /// Stops waiting for the server.
    pub(super) fn remove_server(&self, server: &OwnedFd) {
        let _ = epoll::delete(&self.epoll, server);
    }

    /// Waits for the server to take answers, or for its requests.
    pub(super) fn expect_server(&mut self, server: &OwnedFd, backed_up: bool) -> io::Result<()> {
        if self.backed_up != backed_up {
            let wanted = if backed_up {
                EventFlags::OUT
            } else {
                EventFlags::IN
            };
            let data = EventData::new_u64(SERVER);
            epoll::modify(&self.epoll, server, data, wanted | EventFlags::RDHUP)?;
            self.backed_up = backed_up;
        }
        Ok(())
    }

    /// What has happened, or happens within this time.
    fn wait(&self, timeout: Option<Duration>) -> io::Result<Vec<Event>> {
        let mut space = [MaybeUninit::uninit(); 64];
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let (found, _) = match epoll::wait(&self.epoll, &mut space, timeout.as_ref()) {
            Err(rustix::io::Errno::INTR) => return Ok(Vec::new()),
            other => other?,
        };
        Ok(found
            .iter()
            .map(|event| event_of(event.data.u64(), event.flags))
            .collect())
    }
}

fn event_of(data: u64, flags: EventFlags) -> Event {
    let gone = EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR;
    let id = EnvironmentId(data >> 2);
    match data {
        SERVER if flags.intersects(gone) => Event::ServerGone,
        SERVER => Event::Server,
        LAUNCHER => Event::Launcher,
        _ if data & 3 == ENDED => Event::Ended(id),
        _ if data & 3 == STATUS => Event::Status(id),
        _ => Event::Memory(id),
    }
}

impl Warden {
    /// Works until the server is gone and nothing is left of its environments.
    pub(super) fn run(mut self) -> io::Result<()> {
        while self.server_is_there || !self.environments.is_empty() || !self.remains.is_empty() {
            let events = self.events.wait(self.patience())?;
            if events.is_empty() && self.may_prepare() {
                self.ground.prepare();
            }
            for event in events {
                self.handle(event);
            }
            self.check_memory(Instant::now());
            self.flush()?;
            self.remove_remains(REMOVALS);
        }
        self.bounds.close()
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Server => self.serve(),
            Event::ServerGone => self.lose_server(),
            Event::Launcher => self.take_folder(),
            Event::Ended(id) => self.reap(id),
            Event::Status(id) => {
                self.hear(id);
            }
            Event::Memory(id) => self.look_at_memory(id),
        }
    }

    /// How long nothing needs to be done.
    fn patience(&self) -> Option<Duration> {
        let now = Instant::now();
        let checks = self
            .environments
            .values()
            .filter_map(|environment| environment.check_memory);
        let removals = self.remains.iter().map(|remains| remains.retry);
        let preparation = self.may_prepare().then(|| now + QUIET);
        let next = checks.chain(removals).chain(preparation).min()?;
        Some(next.saturating_duration_since(now))
    }

    fn may_prepare(&self) -> bool {
        self.server_is_there && self.ground.is_short()
    }

    /// Hands answers to the server.
    fn flush(&mut self) -> io::Result<()> {
        if !self.server_is_there {
            self.outbox.clear();
            return Ok(());
        }
        if self.outbox.flush(&self.server).is_err() {
            self.lose_server();
            return Ok(());
        }
        self.events.expect_server(&self.server, !self.outbox.is_empty())
    }

    /// Ends everything: without a server there is nobody to run it for.
    fn lose_server(&mut self) {
        if self.server_is_there {
            self.server_is_there = false;
            self.events.remove_server(&self.server);
            self.kill_all();
        }
    }
}
