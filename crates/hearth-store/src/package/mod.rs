//! Code packages: zip archives from untrusted hands.
//!
//! One reader with one set of rules serves both uses. [`inspect`] runs it for the verdict alone, when a package
//! is uploaded; [`Trees`](crate::Trees) run it to write the files. What passes the one passes the other.

mod layout;
mod link;
mod name;
mod read;
mod unpack;

use std::io::Cursor;

use crate::package::name::EntryName;

pub(crate) use unpack::unpack;

/// Entries of a package, together with the directories they imply.
pub const MAX_ENTRIES: usize = 100_000;
/// Longest name of an entry or target of a link, in bytes.
pub const MAX_NAME: usize = 1024;

/// What a package holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Entries in the archive.
    pub entries: usize,
    /// Bytes of all files and links, as they were inflated.
    pub unpacked_bytes: u64,
}

/// Why a package is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// It is no zip archive, a damaged one, or one that uses what is not supported, such as encryption.
    #[error("not a readable zip archive: {0}")]
    NotAZip(String),
    /// It unpacks to more than `hearth_types::limits::CODE_UNZIPPED` bytes.
    #[error("unpacks to more than {} bytes", hearth_types::limits::CODE_UNZIPPED)]
    TooLarge,
    /// It holds more than [`MAX_ENTRIES`] files and directories.
    #[error("holds more than {MAX_ENTRIES} files and directories")]
    TooManyEntries,
    /// An entry's name is absolute, leads upwards, is empty or too long, or contains a NUL.
    #[error("the name of entry {0:?} is not allowed")]
    UnsafePath(String),
    /// A symbolic link leads, or might lead, out of the package.
    #[error("the link {name:?} to {target:?} leaves the package")]
    UnsafeLink {
        /// The link.
        name: String,
        /// Where it points.
        target: String,
    },
    /// An entry is a device, a pipe or a socket.
    #[error("entry {0:?} is neither file, directory nor link")]
    SpecialFile(String),
    /// An entry would replace something of another type, such as a directory that holds files.
    #[error("entry {0:?} is there twice, as different things")]
    Clash(String),
}

/// Reads a whole package without writing anything: names, links and types are checked, and contents are inflated
/// and compared with their checksums, up to the size that is allowed. Of what it reads it keeps only the names.
///
/// This takes up to a second of computing for the largest packages; it does not belong on an async thread.
pub fn inspect(zip: &[u8]) -> Result<Summary, PackageError> {
    read::read(Cursor::new(zip), &mut Discard)
}

/// Where the reader puts what it finds. Names come in an order in which parents precede their children, and no
/// name is ever below a link.
trait Sink {
    type Error: From<PackageError>;
    type File;

    fn directory(&mut self, name: &str) -> Result<(), Self::Error>;
    /// Opens a file, emptying it where the package has brought it before.
    fn file(&mut self, name: &EntryName, executable: bool) -> Result<Self::File, Self::Error>;
    fn write(&mut self, file: &mut Self::File, content: &[u8]) -> Result<(), Self::Error>;
    fn link(&mut self, name: &EntryName, target: &str) -> Result<(), Self::Error>;
}

/// Keeps nothing.
struct Discard;

impl Sink for Discard {
    type Error = PackageError;
    type File = ();

    fn directory(&mut self, _: &str) -> Result<(), PackageError> {
        Ok(())
    }

    fn file(&mut self, _: &EntryName, _: bool) -> Result<(), PackageError> {
        Ok(())
    }

    fn write(&mut self, (): &mut (), _: &[u8]) -> Result<(), PackageError> {
        Ok(())
    }

    fn link(&mut self, _: &EntryName, _: &str) -> Result<(), PackageError> {
        Ok(())
    }
}
