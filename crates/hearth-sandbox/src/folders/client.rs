//! The server's part: asking the launcher.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::net::{RecvFlags, SendFlags};
use tokio::io::Interest;
use tokio::net::UnixDatagram;
use tokio::sync::oneshot;

use super::records::{Ask, LONGEST, Tell};
use super::{FolderIndex, LONGEST_PATH};

/// A folder that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What environments are claimed with.
    pub folder: FolderIndex,
    /// Whether it has a `lib` directory.
    pub has_lib: bool,
}

/// A folder is not shown.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// For this reason, in words for the user.
    #[error("{0}")]
    Refused(String),
    /// The launcher is gone.
    #[error("the launcher has ended")]
    LauncherDied,
}

/// Asks the launcher for folders. Cheap to clone.
#[derive(Clone, Debug)]
pub struct FolderClient(Arc<Client>);

type OnChange = Box<dyn Fn(FolderIndex) + Send + Sync>;

struct Client {
    /// Whole packets like a datagram socket's, but connected and in order.
    socket: UnixDatagram,
    waiting: Mutex<Waiting>,
    on_change: OnceLock<OnChange>,
}

#[derive(Default)]
struct Waiting {
    gone: bool,
    last_tag: u32,
    answers: HashMap<u32, oneshot::Sender<Tell>>,
}

impl FolderClient {
    /// Takes the socket the launcher handed over. Call it within a tokio runtime.
    pub fn new(socket: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        let client = Arc::new(Client {
            socket: UnixDatagram::from_std(socket.into())?,
            waiting: Mutex::default(),
            on_change: OnceLock::new(),
        });
        tokio::spawn(receive_all(Arc::clone(&client)));
        Ok(Self(client))
    }

    /// Says who is told, at once, that something in a folder has changed. The first call counts.
    pub fn on_change(&self, told: impl Fn(FolderIndex) + Send + Sync + 'static) {
        // Only a second call finds somebody there.
        let _ = self.0.on_change.set(Box::new(told));
    }

    /// Lets functions see a folder.
    pub async fn open(&self, path: &str) -> Result<Opened, FolderError> {
        if path.len() > LONGEST_PATH {
            return Err(FolderError::Refused("The path of the folder is too long.".into()));
        }
        let path = path.to_owned();
        match self.ask(|tag| Ask::Open { tag, path }).await? {
            Tell::Opened { folder, has_lib, .. } => Ok(Opened { folder, has_lib }),
            Tell::Refused { why, .. } => Err(FolderError::Refused(why)),
            Tell::Settled { .. } | Tell::Changed { .. } => Err(FolderError::LauncherDied),
        }
    }

    /// Resolves when everything that had changed in folders before the call has been told, and this one is shown as it
    /// is then: also when another directory has taken its place. Refused when it cannot be shown any more.
    pub async fn settle(&self, folder: FolderIndex) -> Result<(), FolderError> {
        match self.ask(|tag| Ask::Settle { tag, folder }).await? {
            Tell::Settled { .. } => Ok(()),
            Tell::Refused { why, .. } => Err(FolderError::Refused(why)),
            Tell::Opened { .. } | Tell::Changed { .. } => Err(FolderError::LauncherDied),
        }
    }

    async fn ask(&self, ask: impl FnOnce(u32) -> Ask) -> Result<Tell, FolderError> {
        let (answer, tag) = {
            let mut waiting = self.0.waiting();
            if waiting.gone {
                return Err(FolderError::LauncherDied);
            }
            waiting.last_tag = waiting.last_tag.wrapping_add(1);
            let (sender, receiver) = oneshot::channel();
            let tag = waiting.last_tag;
            waiting.answers.insert(tag, sender);
            (receiver, tag)
        };
        let record = ask(tag).encode();
        let socket = &self.0.socket;
        let sent = socket.async_io(Interest::WRITABLE, || {
            let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
            rustix::net::send(socket, &record, flags).map_err(io::Error::from)
        });
        sent.await.map_err(|_| FolderError::LauncherDied)?;
        answer.await.map_err(|_| FolderError::LauncherDied)
    }
}

impl Client {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // No code panics while it holds the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, tell: Tell) {
        let tag = match &tell {
            Tell::Changed { folder } => {
                if let Some(told) = self.on_change.get() {
                    told(*folder);
                }
                return;
            }
            Tell::Opened { tag, .. } | Tell::Refused { tag, .. } | Tell::Settled { tag } => *tag,
        };
        let waiting = self.waiting().answers.remove(&tag);
        waiting.map(|waiting| waiting.send(tell));
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// Hands out what the launcher says until it is gone, and then tells everybody who waits.
async fn receive_all(client: Arc<Client>) {
    let receive = || {
        let mut record = [0; LONGEST];
        let (_, length) = rustix::net::recv(&client.socket, &mut record, RecvFlags::DONTWAIT)?;
        let tell = record.get(..length).and_then(Tell::decode);
        tell.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
    };
    while let Ok(tell) = client.socket.async_io(Interest::READABLE, receive).await {
        client.take(tell);
    }
    // Dropping the senders wakes those who wait.
    *client.waiting() = Waiting {
        gone: true,
        ..Waiting::default()
    };
}
