//! One environment's interfaces, shared by the connections that come in and the engine that drives it.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use super::telemetry::Subscribers;
use super::{ApiInvocation, ExtensionInfo, Machine, ReportedError, ShutdownReason};

/// Parts of an answer that may wait for whoever takes them.
const WAITING_PARTS: usize = 2;

/// What a runtime answers to an invocation, part by part. The last part is `End` or one of the failures.
#[derive(Debug)]
pub enum Reply {
    /// It streams: the parts that follow are passed on as they come.
    Streams {
        /// Its content type, fit for a header.
        content_type: String,
    },
    /// A part of the answer.
    Chunk(Bytes),
    /// The answer is complete.
    End,
    /// The runtime reports a failure, perhaps after some parts.
    Failed(ReportedError),
    /// The answer is larger than [`hearth_types::limits::RUNTIME_PAYLOAD`].
    TooLarge,
    /// The connection broke before the answer was complete.
    Truncated,
}

/// Why an init failed.
#[derive(Clone, Debug)]
pub enum InitFailure {
    /// The runtime said so.
    Reported(ReportedError),
    /// An extension failed.
    Extension(ExtensionInfo),
}

/// A handle on one environment's interfaces; clones share everything.
#[derive(Clone, Debug)]
pub struct RuntimeApi(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    machine: Mutex<Machine>,
    /// Changes whenever the machine does.
    changed: watch::Sender<()>,
    /// Who takes subscriptions; nobody where nothing can be sent into the environment.
    subscribers: OnceLock<Arc<dyn Subscribers>>,
    /// Where the answer to the current invocation goes.
    replies: Mutex<Option<mpsc::Sender<Reply>>>,
    /// Held while the report of a failed init is read, which may be large; that of an invocation is one anyway.
    reporting: tokio::sync::Mutex<()>,
}

impl RuntimeApi {
    /// Interfaces in the state that the machine is in.
    pub fn new(machine: Machine) -> Self {
        Self(Arc::new(Shared {
            machine: Mutex::new(machine),
            changed: watch::Sender::new(()),
            subscribers: OnceLock::new(),
            replies: Mutex::default(),
            reporting: tokio::sync::Mutex::default(),
        }))
    }

    /// From now on extensions may subscribe to telemetry.
    pub fn take_subscriptions(&self, subscribers: Arc<dyn Subscribers>) {
        // It is said once in an environment's life.
        let _ = self.0.subscribers.set(subscribers);
    }

    pub(super) fn subscribers(&self) -> Option<&dyn Subscribers> {
        self.0.subscribers.get().map(|subscribers| &**subscribers)
    }

    /// Hands the environment an invocation; what it answers comes in parts. Dropping the receiver gives the answer up.
    pub fn invoke(&self, invocation: ApiInvocation) -> mpsc::Receiver<Reply> {
        let (sender, receiver) = mpsc::channel(WAITING_PARTS);
        *self.replies() = Some(sender);
        self.change(|machine| machine.invoke(invocation));
        receiver
    }

    /// Waits for the end of the init. Cancelling loses nothing.
    pub async fn initialized(&self) -> Result<(), InitFailure> {
        self.until(|machine| {
            let failed = machine.failed_extension().map(InitFailure::Extension);
            failed
                .map(Err)
                .or_else(|| Some(machine.init()?.map_err(InitFailure::Reported)))
        })
        .await
    }

    /// Waits until the runtime is done with the invocation, or an extension has failed. Cancelling loses nothing.
    pub async fn runtime_done(&self) -> Result<(), ExtensionInfo> {
        self.until_all_well(Machine::runtime_is_done).await
    }

    /// Waits until runtime and extensions are done with the invocation, or an extension has failed. Cancelling loses
    /// nothing.
    pub async fn settled(&self) -> Result<(), ExtensionInfo> {
        self.until_all_well(Machine::is_settled).await
    }

    /// Waits until every executable of /opt/extensions has registered, or one has failed. Cancelling loses nothing.
    pub async fn externals_registered(&self) -> Result<(), ExtensionInfo> {
        self.until_all_well(Machine::externals_registered).await
    }

    /// Waits until the machine is in a state, or an extension has failed.
    async fn until_all_well(&self, state: impl Fn(&Machine) -> bool) -> Result<(), ExtensionInfo> {
        self.until(|machine| match machine.failed_extension() {
            Some(failed) => Some(Err(failed)),
            None => state(machine).then_some(Ok(())),
        })
        .await
    }

    /// Waits until every external extension has ended. Cancelling loses nothing.
    pub async fn all_exited(&self) {
        self.until(|machine| machine.all_exited().then_some(())).await;
    }

    /// Waits for an extension to fail. Cancelling loses nothing.
    pub async fn extension_failed(&self) -> ExtensionInfo {
        self.until(|machine| machine.failed_extension()).await
    }

    /// Tells the extensions that asked for it that the environment ends.
    pub fn shut_down(&self, reason: ShutdownReason, deadline_ms: i64) {
        self.change(|machine| machine.shut_down(reason, deadline_ms));
    }

    /// Looks at the machine.
    pub fn look<T>(&self, at: impl FnOnce(&Machine) -> T) -> T {
        at(&self.machine())
    }

    /// Changes the machine, and wakes whoever waits for it to change.
    pub fn change<T>(&self, how: impl FnOnce(&mut Machine) -> T) -> T {
        let result = how(&mut self.machine());
        self.0.changed.send_replace(());
        result
    }

    /// Waits until `poll` finds what it looks for. It may change the machine when it does.
    pub(super) async fn until<T>(&self, mut poll: impl FnMut(&mut Machine) -> Option<T>) -> T {
        let mut changed = self.0.changed.subscribe();
        loop {
            changed.borrow_and_update();
            if let Some(found) = poll(&mut self.machine()) {
                return found;
            }
            // The sender lives as long as this handle.
            let _ = changed.changed().await;
        }
    }

    /// Where the answer to the current invocation goes. It is given once.
    pub(super) fn take_replies(&self) -> Option<mpsc::Sender<Reply>> {
        self.replies().take()
    }

    /// Waits for the turn to read the report of a failed init.
    pub(super) async fn turn_to_report(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.reporting.lock().await
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        // No code panics while it holds the lock.
        self.0.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replies(&self) -> MutexGuard<'_, Option<mpsc::Sender<Reply>>> {
        self.0.replies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
