//! An execution environment, seen from the server.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hearth_network::{Gateway, Outside, Services};
use hearth_runtime::api::{RuntimeApi, ShutdownReason};
use hearth_sandbox::{Booted, Exit, Freezer, Listener, MemoryGauge};
use hearth_types::inside::Addresses;
use hearth_types::{EnvironmentId, NetworkPolicy, Places};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::FunctionMeter;
use crate::attendant::Attendant;
use crate::clock::Clock;
use crate::connector::{Connector, Source};
use crate::control::Control;
use crate::ending::{Ending, LOST};
use crate::feed::Subscriptions;
use crate::journal::Journal;
use crate::lease::Lease;
use crate::output::Output;
use crate::sandbox_handle::SandboxHandle;
use crate::scaling::Frozen;
use crate::shutdown::{LastWords, Leaving, Shutdown};

/// How long the warden may take to tell how a process ended whose socket is closed.
const EXIT_NOTICE: Duration = Duration::from_secs(5);
/// How long an idle environment is left awake: one that is used all the time is never frozen, and one that is not costs
/// nothing soon.
const AWAKE: Duration = Duration::from_secs(1);
/// The same where records are delivered to it: they are gathered for up to half a minute, and delivery is tried for half
/// as long.
const AWAKE_WITH_SUBSCRIBERS: Duration = Duration::from_secs(60);
const MIB: u64 = 1024 * 1024;

/// A sandboxed interpreter. Dropping it ends it and everything in its sandbox.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) id: EnvironmentId,
    pub(crate) control: Control,
    pub(crate) output: Output,
    pub(crate) clock: Clock,
    memory: MemoryGauge,
    /// None where it cannot be frozen.
    freezer: Option<Freezer>,
    /// While it is frozen.
    frozen: Option<Frozen>,
    /// Where it finds its files.
    pub(crate) places: Places,
    /// Where it finds Hearth's services.
    pub(crate) addresses: Addresses,
    pub(crate) ending: Ending,
    /// Who starts its extensions, if it has any.
    attendant: Option<Attendant>,
    /// Why it ends, when it does.
    pub(crate) reason: ShutdownReason,
    /// Where what it prints goes while it ends.
    pub(crate) last_words: Option<Journal>,
    /// Where its CPU time is counted when it ends, once it is a function's.
    pub(crate) meter: Option<Arc<dyn FunctionMeter>>,
    /// The interfaces of a runtime that talks to them.
    pub(crate) api: Option<RuntimeApi>,
    sandbox: SandboxHandle,
    network: Network,
}

/// What becomes of the environment's connections.
#[derive(Debug)]
pub(crate) enum Network {
    /// They wait until it has an identity.
    Waiting(Listener),
    /// They are served.
    Open { _gateway: Gateway },
    /// The environment has no network of its own, or lost it.
    None,
}

impl Process {
    pub(crate) fn new(booted: Booted, sandbox: SandboxHandle) -> io::Result<Self> {
        let addresses = booted.listener.as_ref().map(|listener| listener.addresses);
        Ok(Self {
            id: booted.id,
            control: Control::new(booted.control)?,
            output: Output::new(booted.output)?,
            clock: Clock::new(),
            memory: booted.memory,
            freezer: booted.freezer,
            frozen: None,
            places: booted.places,
            addresses: addresses.unwrap_or_default(),
            ending: Ending::new(booted.exit),
            attendant: None,
            reason: ShutdownReason::Spindown,
            last_words: None,
            meter: None,
            api: None,
            sandbox,
            network: booted.listener.map_or(Network::None, Network::Waiting),
        })
    }

    /// Listens to its attendant.
    pub(crate) fn attend(
        &mut self,
        (socket, output): (OwnedFd, OwnedFd),
        api: RuntimeApi,
        journal: &Journal,
    ) -> io::Result<()> {
        let (mut attendant, runtime) = Attendant::listen(socket, api.clone())?;
        attendant.log(output, journal.of_extensions())?;
        take_subscriptions(&api, journal, Source::Attendant(attendant.dialer()));
        self.attendant = Some(attendant);
        self.ending.attend(runtime);
        Ok(())
    }

    /// Lets parts of its runtime hear what there is to tell.
    pub(crate) fn feed_runtime(&self, journal: &Journal) {
        if let Some(api) = &self.api {
            take_subscriptions(api, journal, Source::Sandbox(self.sandbox.clone(), self.id));
        }
    }

    /// Has the interpreter started, now that the extensions are there.
    pub(crate) async fn run(&mut self) -> io::Result<()> {
        match &self.attendant {
            Some(attendant) => attendant.run().await,
            None => Ok(()),
        }
    }

    /// Whether connections that it makes reach the server.
    pub(crate) fn has_network(&self) -> bool {
        !matches!(self.network, Network::None)
    }

    /// Begins to serve its connections, those that wait already too.
    pub(crate) fn open_network(
        &mut self,
        services: Services,
        policy: NetworkPolicy,
        outside: Outside,
    ) -> io::Result<()> {
        if let Network::Waiting(listener) = std::mem::replace(&mut self.network, Network::None) {
            let gateway = Gateway::open(listener, services, policy, outside)?;
            self.network = Network::Open { _gateway: gateway };
        }
        Ok(())
    }

    /// Waits for the end of a process whose control socket is closed. One that closed its socket and lives
    /// on is killed: nobody can talk to it any more.
    pub(crate) async fn ended(&mut self) -> Exit {
        for patience in [EXIT_NOTICE / 10, EXIT_NOTICE] {
            match timeout(patience, self.ending.wait()).await {
                Ok(exit) => return exit,
                Err(_) => self.sandbox.0.kill(self.id),
            }
        }
        LOST
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.ending.is_ahead()
    }

    /// Peak memory so far, in MB, rounded up.
    pub(crate) fn peak_memory_mb(&self) -> u32 {
        in_mb(self.memory.peak_bytes())
    }

    /// The same as it was a moment ago at the latest (see [`MemoryGauge::recent_peak_bytes`]).
    pub(crate) fn recent_peak_memory_mb(&self) -> u32 {
        in_mb(self.memory.recent_peak_bytes())
    }

    /// Peak memory so far, in bytes.
    pub(crate) fn peak_memory_bytes(&self) -> u64 {
        self.memory.peak_bytes()
    }

    /// Stops everything in it until it is thawed, if that can be done.
    pub(crate) fn freeze(&mut self, frozen: impl FnOnce() -> Frozen) {
        let Some(freezer) = &self.freezer else { return };
        if self.frozen.is_none() && freezer.freeze().is_ok() {
            self.frozen = Some(frozen());
        }
    }

    /// Lets it go on, if it is frozen.
    pub(crate) fn thaw(&mut self) {
        if self.frozen.take().is_some()
            && let Some(freezer) = &self.freezer
            && let Err(error) = freezer.thaw()
        {
            // It has ended, which its next user finds; another reason there is none.
            tracing::debug!(%error, id = %self.id, "a frozen environment could not be thawed");
        }
    }

    /// Who is given time to end, if anybody is.
    fn leaving(&mut self) -> Option<Leaving> {
        let api = self.api.take()?;
        if let Some(attendant) = self.attendant.take() {
            return Some(Leaving::Attended {
                attendant,
                api,
                reason: self.reason,
                runtime: self.ending.take_attended(),
            });
        }
        // What failed or took too long is given none.
        let in_peace = self.reason == ShutdownReason::Spindown && self.is_alive();
        (in_peace && api.look(|machine| machine.has_any_extension()))
            .then(|| Leaving::Alone(self.ending.take_exit()))
    }
}

fn in_mb(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(MIB)).unwrap_or(u32::MAX)
}

/// From now on extensions may subscribe.
fn take_subscriptions(api: &RuntimeApi, journal: &Journal, source: Source) {
    let feed = journal.feed();
    feed.begin();
    let connector = Connector::new(source);
    api.take_subscriptions(Arc::new(Subscriptions { feed, connector }));
}

impl Drop for Process {
    fn drop(&mut self) {
        let sandbox = self.sandbox.clone();
        if let (Some(meter), Ok(tasks)) = (self.meter.take(), Handle::try_current()) {
            self.ending.count(meter, sandbox.dying(), &tasks);
        }
        let (Some(leaving), Ok(tasks)) = (self.leaving(), Handle::try_current()) else {
            return sandbox.0.kill(self.id);
        };
        self.thaw();
        let log = self.last_words.take().zip(self.output.again().ok());
        let shutdown = Shutdown {
            leaving,
            log: log.map(|(journal, output)| LastWords { journal, output }),
            control: self.control.hold().ok(),
            id: self.id,
            dying: sandbox.dying(),
            sandbox,
            network: std::mem::replace(&mut self.network, Network::None),
        };
        tasks.spawn(shutdown.run());
    }
}

/// A process that has become one function's, its init done.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) process: Process,
    pub(crate) journal: Journal,
    /// Of the code that it started with (see [`crate::pool::Pool::renew`]).
    pub(crate) generation: u64,
    /// How long its init took, until an invocation has told.
    pub(crate) init: Option<Duration>,
    /// While it is an invocation's.
    pub(crate) lease: Option<Lease>,
    born: Instant,
    requests: u64,
    has_listeners: bool,
}

impl Environment {
    pub(crate) fn new(
        mut process: Process,
        journal: Journal,
        generation: u64,
        init: Option<Duration>,
    ) -> Self {
        let api = process.api.as_ref();
        let has_extensions = api.is_some_and(|api| api.look(|machine| machine.has_any_extension()));
        let has_runtime = api.is_some_and(|api| api.look(|machine| machine.has_runtime()));
        let has_listeners = has_runtime || has_extensions;
        if has_extensions || process.attendant.is_some() {
            process.last_words = Some(journal.again());
        }
        Self {
            process,
            journal,
            generation,
            init,
            lease: None,
            born: Instant::now(),
            requests: 0,
            has_listeners,
        }
    }

    /// Whether its interfaces take part in invocations: those of the runtime, or of extensions.
    pub(crate) fn has_listeners(&self) -> bool {
        self.has_listeners
    }

    /// Its interfaces, if they take part in invocations.
    pub(crate) fn listeners(&self) -> Option<RuntimeApi> {
        self.has_listeners.then(|| self.process.api.clone()).flatten()
    }

    /// The number of the next invocation, counted from 1.
    pub(crate) fn next_request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// How long it must be idle before it is frozen. Subscribers hear of an invocation later than it ends.
    pub(crate) fn stays_awake(&self) -> Duration {
        match self.journal.feed().has_subscribers() {
            true => AWAKE_WITH_SUBSCRIBERS,
            false => AWAKE,
        }
    }

    pub(crate) fn age(&self) -> Duration {
        self.born.elapsed()
    }
}
