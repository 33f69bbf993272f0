//! Zip archives byte by byte, since those that attack are not to be had from a library.

use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// A file as Unix systems store it.
pub(crate) const FILE: u32 = 0o100_644;
/// A symbolic link.
pub(crate) const LINK: u32 = 0o120_777;

/// One entry of an archive.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    /// The mode of a Unix system; `None`: made elsewhere, without one.
    pub(crate) mode: Option<u32>,
    pub(crate) method: u16,
    /// What is stored, compressed already where the method says so.
    pub(crate) stored: Vec<u8>,
    pub(crate) size: u32,
    pub(crate) checksum: u32,
}

impl Entry {
    /// An entry that is stored as it is.
    pub(crate) fn new(name: &str, mode: u32, content: &[u8]) -> Self {
        Self {
            name: name.into(),
            mode: Some(mode),
            method: 0,
            stored: content.to_vec(),
            size: content.len() as u32,
            checksum: checksum(content),
        }
    }

    /// A plain file.
    pub(crate) fn file(name: &str, content: &str) -> Self {
        Self::new(name, FILE, content.as_bytes())
    }

    /// An entry that inflates to so many zeros, with headers that say so.
    pub(crate) fn zeros(name: &str, size: usize) -> Self {
        let (stored, checksum) = deflate(&vec![0; size]);
        Self {
            method: 8,
            stored,
            size: size as u32,
            checksum,
            ..Self::file(name, "")
        }
    }

    fn write_common(&self, out: &mut Vec<u8>) {
        // Version needed, flags (the name is UTF-8), method, time, date.
        for field in [20, 1 << 11, self.method, 0, 0x21] {
            out.extend(field.to_le_bytes());
        }
        for field in [self.checksum, self.stored.len() as u32, self.size] {
            out.extend(field.to_le_bytes());
        }
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend(0u16.to_le_bytes());
    }
}

/// Puts entries into an archive.
pub(crate) fn archive(entries: &[Entry]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = out.len() as u32;
        out.extend(b"PK\x03\x04");
        entry.write_common(&mut out);
        out.extend(&entry.name);
        out.extend(&entry.stored);

        directory.extend(b"PK\x01\x02");
        directory.extend([20, if entry.mode.is_some() { 3 } else { 0 }]);
        entry.write_common(&mut directory);
        // Comment length, disk, internal attributes.
        directory.extend([0; 6]);
        directory.extend((entry.mode.unwrap_or_default() << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.name);
    }
    let start = out.len();
    out.extend(&directory);
    end(&mut out, entries.len(), directory.len(), start);
    out
}

/// The end of the central directory, in the long form where the short one cannot count that far.
fn end(out: &mut Vec<u8>, entries: usize, size: usize, start: usize) {
    if entries > usize::from(u16::MAX) {
        let at = out.len() as u64;
        out.extend(b"PK\x06\x06");
        out.extend(44u64.to_le_bytes());
        out.extend([45, 3, 45, 0]);
        out.extend([0; 8]);
        for field in [entries, entries, size, start] {
            out.extend((field as u64).to_le_bytes());
        }
        out.extend(b"PK\x06\x07");
        out.extend([0; 4]);
        out.extend(at.to_le_bytes());
        out.extend(1u32.to_le_bytes());
    }
    let count = u16::try_from(entries).unwrap_or(u16::MAX);
    out.extend(b"PK\x05\x06");
    out.extend([0; 4]);
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend((size as u32).to_le_bytes());
    out.extend((start as u32).to_le_bytes());
    out.extend([0; 2]);
}

/// Compresses with the library, which also knows the checksum of large contents sooner.
fn deflate(content: &[u8]) -> (Vec<u8>, u32) {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    writer.start_file("x", options).unwrap();
    writer.write_all(content).unwrap();
    let mut archive = ZipArchive::new(writer.finish().unwrap()).unwrap();
    let mut entry = archive.by_index_raw(0).unwrap();
    let mut raw = Vec::new();
    entry.read_to_end(&mut raw).unwrap();
    (raw, entry.crc32())
}

/// CRC-32 as zip has it.
fn checksum(content: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in content {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}
