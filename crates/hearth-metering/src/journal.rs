//! The journal: what was counted, in the order of time, until it is folded into partitions.
//!
//! A journal is a file named by its number; numbers only grow. It begins with [`MAGIC`] and goes on in frames, each of
//! which holds what was counted since the one before: a key and a bucket, again and again. What follows the last sound
//! frame is what a crash tore, and is not read.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::codec::{Reader, put_bucket, put_key};
use crate::frame::{self, FrameError};
use crate::layer::Layer;

const MAGIC: &[u8] = b"hearth metering journal 1\n";

/// The journal that is written.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    /// Up to there it is sound.
    length: u64,
}

impl Journal {
    /// Begins a journal. When this succeeds, its name is on disk.
    pub(crate) fn create(dir: &Path, number: u64) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let path = path(dir, number);
        let begun = File::create_new(&path).and_then(|file| {
            file.write_all_at(MAGIC, 0)?;
            sync_directory(dir)?;
            Ok(Self {
                file,
                length: MAGIC.len() as u64,
            })
        });
        // Half a journal would be in the way of the next try.
        begun.inspect_err(|_| drop(fs::remove_file(&path)))
    }

    /// Writes down what was counted.
    ///
    /// # Errors
    /// If it is not written whole; then nothing of it is.
    pub(crate) fn append(&mut self, counts: &Layer) -> io::Result<()> {
        let mut out = Vec::new();
        let body = frame::begin(&mut out);
        for (minute, key, bucket) in counts.range(..) {
            put_key(&mut out, key);
            put_bucket(&mut out, minute, bucket);
        }
        frame::end(&mut out, body);
        if let Err(error) = self.file.write_all_at(&out, self.length) {
            // If not even this works, the next frame is written over it, or it is torn.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += out.len() as u64;
        Ok(())
    }

    /// Brings what is written to the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Size of the file, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.length
    }
}

/// The numbers of the journals that there are, in order.
pub(crate) fn list(dir: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        numbers.extend(
            entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<u64>().ok()),
        );
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// All that a journal holds, up to its torn end.
pub(crate) fn read(dir: &Path, number: u64) -> io::Result<Layer> {
    let path = path(dir, number);
    let mut input = BufReader::new(File::open(&path)?);
    let mut layer = Layer::default();
    let mut magic = Vec::new();
    input.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic)?;
    if magic != MAGIC {
        tracing::warn!(path = %path.display(), "not a journal of metering");
        return Ok(layer);
    }
    let mut body = Vec::new();
    loop {
        match frame::read(&mut input, &mut body) {
            Ok(true) if add(&mut layer, &body).is_some() => {}
            Ok(false) => return Ok(layer),
            Ok(true) | Err(FrameError::Damaged) => {
                tracing::warn!(path = %path.display(), "cut off the torn end of a metering journal");
                return Ok(layer);
            }
            Err(FrameError::Io(error)) => return Err(error),
        }
    }
}

/// Adds a frame's counts: all or, if it is not sound, none.
fn add(layer: &mut Layer, body: &[u8]) -> Option<()> {
    let mut reader = Reader(body);
    let mut counts = Vec::new();
    while !reader.is_empty() {
        let key = reader.key()?;
        let (minute, bucket) = reader.bucket()?;
        counts.push((key, minute, bucket));
    }
    for (key, minute, bucket) in counts {
        layer.add(&key.into(), minute, &bucket);
    }
    Some(())
}

/// Deletes a journal that is folded.
pub(crate) fn remove(dir: &Path, number: u64) -> io::Result<()> {
    fs::remove_file(path(dir, number))
}

fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(number.to_string())
}

/// Brings a directory's list of files to the disk.
pub(crate) fn sync_directory(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Entry, any_entries};

    fn layer(entries: &[Entry]) -> Layer {
        let mut layer = Layer::default();
        for (key, minute, bucket) in entries {
            layer.add(&key.clone().into(), *minute, bucket);
        }
        layer
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Wherever a crash tears it, what came before is there and nothing else.
        #[test]
        fn a_torn_journal_has_its_whole_frames(
            frames in prop::collection::vec(any_entries(), 0..5), at in any::<prop::sample::Index>(),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let mut journal = Journal::create(dir.path(), 1).unwrap();
            let mut ends = vec![(journal.bytes(), Layer::default())];
            let mut all = Vec::new();
            for entries in frames {
                journal.append(&layer(&entries)).unwrap();
                all.extend(entries);
                ends.push((journal.bytes(), layer(&all)));
            }
            prop_assert_eq!(&read(dir.path(), 1).unwrap(), &ends.last().unwrap().1);
            let torn = at.index(journal.bytes() as usize + 1) as u64;
            journal.file.set_len(torn).unwrap();
            let whole = ends.iter().rfind(|(end, _)| *end <= torn);
            let expected = whole.map(|(_, layer)| layer.clone()).unwrap_or_default();
            prop_assert_eq!(read(dir.path(), 1).unwrap(), expected);
        }

        #[test]
        fn any_file_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300), magic: bool) {
            let dir = tempfile::tempdir().unwrap();
            let head = if magic { MAGIC } else { &[] };
            fs::write(path(dir.path(), 1), [head, &bytes].concat()).unwrap();
            prop_assert_eq!(read(dir.path(), 1).unwrap(), Layer::default());
        }
    }

    #[test]
    fn journals_are_found_in_the_order_of_their_numbers() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(list(&dir.path().join("none")).unwrap(), [0; 0]);
        for number in [10, 9, 100] {
            Journal::create(dir.path(), number).unwrap();
        }
        fs::write(dir.path().join("notes"), "").unwrap();
        assert_eq!(list(dir.path()).unwrap(), [9, 10, 100]);
        assert!(
            Journal::create(dir.path(), 9).is_err(),
            "no journal is written over"
        );
    }
}
