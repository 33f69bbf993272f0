//! Reading a zip archive without believing it.

use std::io::{Read, Seek, SeekFrom};

use hearth_types::limits::CODE_UNZIPPED;
use zip::ZipReadOptions;
use zip::read::{Config, ZipFileEntry};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

use super::layout::{Layout, Type};
use super::name::EntryName;
use super::{MAX_ENTRIES, MAX_NAME, PackageError, Sink, Summary, link};

const BUFFER: usize = 64 * 1024;

/// Reads a package into a sink.
pub(super) fn read<S: Sink>(mut zip: impl Read + Seek, sink: &mut S) -> Result<Summary, S::Error> {
    let length = zip
        .seek(SeekFrom::End(0))
        .map_err(|error| unreadable(error.into()))?;
    let mut archive = ZipIterable::try_new(zip, Config::default()).map_err(unreadable)?;
    if archive.len() > MAX_ENTRIES {
        return Err(PackageError::TooManyEntries.into());
    }
    let mut reader = Reader {
        sink,
        layout: Layout::new(),
        compressed_left: length,
        unpacked: 0,
        buffer: vec![0; BUFFER],
    };
    let mut summary = Summary::default();
    let entries = archive.files().map_err(unreadable)?;
    while let Some(entry) = entries.next() {
        reader.entry(entry.map_err(unreadable)?, entries.reader_mut())?;
        summary.entries += 1;
    }
    summary.unpacked_bytes = reader.unpacked;
    Ok(summary)
}

struct Reader<'a, S> {
    sink: &'a mut S,
    layout: Layout,
    /// Entries that do not overlap cannot take more than the archive has.
    compressed_left: u64,
    unpacked: u64,
    buffer: Vec<u8>,
}

impl<S: Sink> Reader<'_, S> {
    fn entry<R: Read + Seek>(&mut self, entry: ZipFileEntry<'_>, zip: &mut R) -> Result<(), S::Error> {
        let name = entry.name().map_err(unreadable)?.into_owned();
        let kind = type_of(&name, entry.unix_mode())?;
        self.compressed_left = self
            .compressed_left
            .checked_sub(entry.compressed_size())
            .ok_or_else(|| PackageError::NotAZip("entries overlap".to_owned()))?;
        let mut content = entry
            .with_reader(zip, ZipReadOptions::new())
            .map_err(unreadable)?;
        let Some(name) = EntryName::parse(&name)? else {
            return self.copy(&mut content, |_, _| Ok(()));
        };
        let known = self.layout.add(&name, kind)?;
        let directories = name.components().count() - usize::from(kind != Type::Directory);
        for directory in name.prefixes().take(directories).skip(known) {
            self.sink.directory(directory)?;
        }
        match kind {
            Type::Directory => self.copy(&mut content, |_, _| Ok(())),
            Type::File { executable } => {
                let mut file = self.sink.file(&name, executable)?;
                self.copy(&mut content, |sink, bytes| sink.write(&mut file, bytes))
            }
            Type::Link => self.link(&name, &mut content),
        }
    }

    fn link(&mut self, name: &EntryName, content: &mut impl Read) -> Result<(), S::Error> {
        let mut target = Vec::new();
        // One byte too many is enough to see that it is too long.
        let mut content = content.take(MAX_NAME as u64 + 1);
        self.copy(&mut content, |_, bytes| {
            target.extend_from_slice(bytes);
            Ok(())
        })?;
        let target = String::from_utf8_lossy(&target);
        link::check(name, &target)?;
        self.sink.link(name, &target)
    }

    /// Inflates to the end, counting what comes out rather than what the headers promise.
    fn copy(
        &mut self,
        content: &mut impl Read,
        mut take: impl FnMut(&mut S, &[u8]) -> Result<(), S::Error>,
    ) -> Result<(), S::Error> {
        loop {
            let length = content
                .read(&mut self.buffer)
                .map_err(|error| unreadable(error.into()))?;
            if length == 0 {
                return Ok(());
            }
            self.unpacked += length as u64;
            if self.unpacked > CODE_UNZIPPED {
                return Err(PackageError::TooLarge.into());
            }
            take(self.sink, &self.buffer[..length])?;
        }
    }
}

/// What an entry is by its mode, where it was made with one, else by its name.
fn type_of(name: &str, mode: Option<u32>) -> Result<Type, PackageError> {
    const DIRECTORY: u32 = 0o040_000;
    const REGULAR: u32 = 0o100_000;
    const LINK: u32 = 0o120_000;
    let mode = mode.unwrap_or_default();
    match mode & 0o170_000 {
        0 | REGULAR if name.ends_with('/') => Ok(Type::Directory),
        0 | REGULAR => Ok(Type::File {
            executable: mode & 0o111 != 0,
        }),
        DIRECTORY => Ok(Type::Directory),
        LINK => Ok(Type::Link),
        _ => Err(PackageError::SpecialFile(name.to_owned())),
    }
}

fn unreadable(error: ZipError) -> PackageError {
    PackageError::NotAZip(error.to_string())
}
