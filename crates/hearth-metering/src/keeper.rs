//! Writes what was counted to the journal, twice a second while there is something.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::MeteringOptions;
use crate::journal::{self, Journal};
use crate::series::{Minute, minute};
use crate::shared::{Sealed, Shared};

/// How long what was counted waits to be written, so that what was answered a second ago has been.
const TICK: Duration = Duration::from_millis(500);
/// How long to wait after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How many times a journal may be larger than it should, while its predecessor cannot be folded.
const PATIENCE: u64 = 4;

/// Writes the journal.
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    dir: PathBuf,
    options: MeteringOptions,
    /// `None` as long as none can be made.
    journal: Option<Open>,
    /// The number of the next journal.
    next: u64,
    failing: bool,
    /// Tells that there is something to fold.
    folds: SyncSender<()>,
}

struct Open {
    file: Journal,
    number: u64,
    begun: Minute,
}

impl Keeper {
    /// `last` is the highest number of a journal so far.
    pub(crate) fn new(
        shared: Arc<Shared>,
        dir: PathBuf,
        options: MeteringOptions,
        last: u64,
        folds: SyncSender<()>,
    ) -> Self {
        // By the clock, so that they grow even if somebody has deleted the journals.
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let next = u64::try_from(millis.as_millis())
            .unwrap_or_default()
            .max(last + 1);
        Self {
            shared,
            dir,
            options,
            journal: None,
            next,
            failing: false,
            folds,
        }
    }

    /// Works until it closes.
    pub(crate) fn run(mut self) {
        self.shared.keep();
        self.step();
        while !self.shared.is_closing() {
            self.shared.wait(self.failing.then_some(AFTER_FAILURE));
            self.shared.pause(TICK);
            self.step();
        }
        // What came meanwhile.
        self.step();
    }

    /// Writes what there is, and begins another journal when it is time.
    pub(crate) fn step(&mut self) {
        if self.is_due() {
            self.seal();
        }
        let wrote = self.write();
        match wrote {
            Ok(()) if std::mem::take(&mut self.failing) => tracing::info!("metering is written again"),
            Ok(()) => {}
            Err(error) => self.fail(&error),
        }
    }

    fn write(&mut self) -> io::Result<()> {
        self.open()?;
        self.shared.collect();
        let counts = {
            let mut layers = self.shared.layers_mut();
            layers.writing = Arc::new(std::mem::take(&mut layers.unwritten));
            Arc::clone(&layers.writing)
        };
        if counts.is_empty() {
            return Ok(());
        }
        let appended = self.append(&counts);
        let mut layers = self.shared.layers_mut();
        layers.writing = Arc::default();
        match &appended {
            Ok(()) => layers.written.merge(&counts),
            Err(_) => layers.unwritten.merge(&counts),
        }
        drop(layers);
        appended?;
        self.journal.as_ref().map_or(Ok(()), |open| open.file.sync())
    }

    /// Begins the first journal. Only when there is one, those of an earlier server may be folded and go: numbers never
    /// go back.
    fn open(&mut self) -> io::Result<()> {
        if self.journal.is_none() {
            self.journal = Some(self.begin()?);
            self.tell();
        }
        Ok(())
    }

    fn begin(&mut self) -> io::Result<Open> {
        let number = self.next;
        let file = Journal::create(&self.dir, number)?;
        self.next += 1;
        let begun = minute(SystemTime::now());
        Ok(Open { file, number, begun })
    }

    /// There is something to fold.
    fn tell(&self) {
        // If it is full, the folder will look anyhow; if it is gone, nobody folds.
        let _ = self.folds.try_send(());
    }

    fn append(&mut self, counts: &crate::layer::Layer) -> io::Result<()> {
        let Some(open) = &mut self.journal else {
            return Ok(());
        };
        if open.file.bytes() > PATIENCE * self.options.journal_bytes {
            return Err(io::Error::other("earlier journals cannot be folded"));
        }
        open.file.append(counts)
    }

    /// Whether the journal has its size or its hour, and the one before is folded.
    fn is_due(&self) -> bool {
        let Some(open) = &self.journal else { return false };
        let layers = self.shared.layers();
        let large = |bytes: u64| bytes > self.options.journal_bytes;
        let full = large(open.file.bytes()) || large(layers.written.bytes() as u64);
        (full || minute(SystemTime::now()) / 60 != open.begun / 60) && layers.sealed.is_empty()
    }

    /// Ends the journal. The next one has a file before this one's is folded and gone, so that numbers never go back.
    pub(crate) fn seal(&mut self) {
        let begun = match self.begin() {
            Ok(begun) => begun,
            Err(error) => return self.fail(&error),
        };
        let Some(ended) = self.journal.replace(begun) else {
            return;
        };
        let mut layers = self.shared.layers_mut();
        let counts = std::mem::take(&mut layers.written);
        layers.sealed.push(Arc::new(Sealed {
            journal: ended.number,
            counts,
        }));
        drop(layers);
        self.shared.forget();
        self.tell();
    }

    /// Says once that nothing can be written, and keeps what is counted within its bound.
    fn fail(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::error!(
                path = %self.dir.display(),
                %error,
                "metering cannot be written; what is counted is kept in memory and is lost if the server ends"
            );
        }
        let bound = self.options.journal_bytes as usize;
        let mut layers = self.shared.layers_mut();
        let lost = layers.unwritten.shrink(bound) + layers.written.shrink(PATIENCE as usize * bound);
        drop(layers);
        if lost > 0 {
            tracing::error!(
                invocations = lost,
                "metering is lost: it cannot be written, and memory for it is full"
            );
        }
    }
}

/// What is in the journals that there are.
pub(crate) fn recover(dir: &std::path::Path) -> io::Result<Vec<Sealed>> {
    let numbers = journal::list(dir)?;
    let read = |journal| {
        Ok(Sealed {
            journal,
            counts: journal::read(dir, journal)?,
        })
    };
    numbers.into_iter().map(read).collect()
}
