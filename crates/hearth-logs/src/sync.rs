//! Carries what was written from the page cache to the disk, about once a second.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

/// How often.
pub(crate) const PERIOD: Duration = Duration::from_secs(1);

/// Syncs files and directories on a thread of its own, since waiting for a disk must not keep the
/// writer from emptying buffers.
pub(crate) struct Syncer {
    dirty: HashSet<PathBuf>,
    work: SyncSender<HashSet<PathBuf>>,
}

impl Syncer {
    /// Starts the thread. It ends when the syncer is dropped and everything is synced.
    pub(crate) fn start() -> io::Result<Self> {
        let (work, rounds) = sync_channel(1);
        thread::Builder::new()
            .name("logs-sync".to_owned())
            .spawn(move || sync(&rounds))?;
        Ok(Self {
            dirty: HashSet::new(),
            work,
        })
    }

    /// Notes that a file, or a directory's list of files, has changed.
    pub(crate) fn changed(&mut self, path: PathBuf) {
        self.dirty.insert(path);
    }

    /// Whether there is anything to sync.
    pub(crate) fn is_idle(&self) -> bool {
        self.dirty.is_empty()
    }

    /// Hands the changes to the thread, unless it is still busy with earlier ones.
    pub(crate) fn round(&mut self) {
        let round = std::mem::take(&mut self.dirty);
        if let Err(TrySendError::Full(round) | TrySendError::Disconnected(round)) = self.work.try_send(round)
        {
            self.dirty = round;
        }
    }

    /// Hands over the last changes; the thread ends when they are synced.
    pub(crate) fn finish(self) {
        // Fails only if the thread is gone, and then nobody else can do its work.
        let _ = self.work.send(self.dirty);
    }
}

fn sync(rounds: &Receiver<HashSet<PathBuf>>) {
    for path in rounds.iter().flatten() {
        match File::open(&path).and_then(|file| file.sync_data()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "cannot sync logs");
            }
            _ => {}
        }
    }
}
