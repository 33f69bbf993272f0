//! Writes the zip file. The same files give the same bytes, whatever their times, owners and order on disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Write};
use std::path::Path;

use hearth_types::{CodeHash, limits};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::{Content, Entry, Files, PackageError, files};

/// A folder as a zip file.
pub(crate) struct Package {
    pub(crate) zip: Vec<u8>,
    pub(crate) hash: CodeHash,
    /// How many files and links it holds.
    pub(crate) entries: usize,
}

/// Packs `root`; `progress` hears of each file's bytes, after a first call with 0 and the total.
pub(crate) fn pack(root: &Path, mut progress: impl FnMut(u64, u64)) -> Result<Package, PackageError> {
    let Files { entries, left_out } = files(root)?;
    for data in left_out {
        eprintln!(
            "{} is left out: it is the data directory of a server",
            data.display()
        );
    }
    let bytes: u64 = entries.iter().map(size).sum();
    if entries.is_empty() {
        return Err(PackageError::Empty {
            path: root.to_owned(),
        });
    }
    if bytes >= limits::CODE_UNZIPPED {
        return Err(PackageError::UnpackedTooLarge {
            bytes,
            largest: largest(&entries),
        });
    }
    progress(0, bytes);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for entry in &entries {
        add(&mut zip, root, entry)?;
        progress(size(entry), bytes);
    }
    let zip = zip.finish()?.into_inner();
    if zip.len() >= limits::CODE_ZIPPED {
        return Err(PackageError::ZipTooLarge {
            bytes: zip.len(),
            largest: largest(&entries),
        });
    }
    Ok(Package {
        hash: CodeHash::of(&zip),
        zip,
        entries: entries.len(),
    })
}

fn add(zip: &mut ZipWriter<Cursor<Vec<u8>>>, root: &Path, entry: &Entry) -> Result<(), PackageError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(6))
        .last_modified_time(DateTime::default()); // 1980-01-01, the first that zip knows
    match &entry.content {
        Content::Link { target } => zip.add_symlink(entry.name.as_str(), target.as_str(), options)?,
        Content::File { executable, .. } => {
            let mode = if *executable { 0o755 } else { 0o644 };
            zip.start_file(entry.name.as_str(), options.unix_permissions(mode))?;
            let path = root.join(&entry.name);
            let mut file = File::open(&path).map_err(PackageError::unreadable(&path))?;
            io::copy(&mut file, zip).map_err(PackageError::unreadable(&path))?;
            zip.flush().map_err(PackageError::unreadable(&path))?;
        }
    }
    Ok(())
}

fn size(entry: &Entry) -> u64 {
    match entry.content {
        Content::File { bytes, .. } => bytes,
        Content::Link { .. } => 0,
    }
}

/// The three largest files or folders at the top, or just inside `node_modules`.
fn largest(entries: &[Entry]) -> String {
    let mut parts: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in entries {
        *parts.entry(part(&entry.name)).or_default() += size(entry);
    }
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let show = |(name, bytes): &(&str, u64)| format!("{name} ({} MiB)", bytes / (1 << 20));
    parts.iter().take(3).map(show).collect::<Vec<_>>().join(", ")
}

fn part(name: &str) -> &str {
    let dependency = name
        .strip_prefix("node_modules/")
        .map_or(0, |_| "node_modules/".len());
    let end = name[dependency..]
        .find('/')
        .map_or(name.len(), |at| dependency + at);
    &name[..end]
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, SystemTime};

    use proptest::prelude::*;

    use super::*;

    fn write(root: &Path, files: &[(String, Vec<u8>, bool)], modified: SystemTime) {
        for (name, bytes, executable) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            let mode = if *executable { 0o700 } else { 0o600 };
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            File::options()
                .append(true)
                .open(&path)
                .unwrap()
                .set_modified(modified)
                .unwrap();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        /// Order of creation, times and exact modes do not show; names, bytes and the execute bit do.
        #[test]
        fn the_same_files_give_the_same_package(
            files in prop::collection::btree_map("[a-z]{1,3}(/[a-z]{1,2}\\.js)?", (prop::collection::vec(any::<u8>(), 0..99), any::<bool>()), 1..6)
        ) {
            let files: Vec<_> = files.into_iter().map(|(name, (bytes, x))| (format!("d{name}.f"), bytes, x)).collect();
            let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let earlier = SystemTime::now() - Duration::from_secs(9_999);
            write(a.path(), &files, SystemTime::now());
            write(b.path(), &files.iter().rev().cloned().collect::<Vec<_>>(), earlier);
            let package = pack(a.path(), |_, _| {}).unwrap();
            prop_assert_eq!(&package.zip, &pack(b.path(), |_, _| {}).unwrap().zip);

            let mut archive = zip::ZipArchive::new(Cursor::new(package.zip)).unwrap();
            prop_assert_eq!(archive.len(), files.len());
            for (name, bytes, executable) in &files {
                let mut file = archive.by_name(name).unwrap();
                let mut read = Vec::new();
                file.read_to_end(&mut read).unwrap();
                prop_assert_eq!(&read, bytes);
                prop_assert_eq!(file.unix_mode().unwrap() & 0o7777, if *executable { 0o755 } else { 0o644 });
            }
        }
    }

    #[test]
    fn progress_ends_at_the_total() {
        let root = tempfile::tempdir().unwrap();
        let files = [
            ("a".to_owned(), vec![0; 5], false),
            ("b".to_owned(), vec![0; 7], false),
        ];
        write(root.path(), &files, SystemTime::now());
        let (mut sum, mut total) = (0, 0);
        pack(root.path(), |more, all| (sum, total) = (sum + more, all)).unwrap();
        assert_eq!((sum, total), (12, 12));
    }

    #[test]
    fn what_is_too_large_names_the_largest_parts() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("node_modules/big")).unwrap();
        for (name, bytes) in [("node_modules/big/a", limits::CODE_UNZIPPED), ("small", 1 << 20)] {
            File::create(root.path().join(name))
                .unwrap()
                .set_len(bytes)
                .unwrap();
        }
        let message = pack(root.path(), |_, _| {}).err().unwrap().to_string();
        assert!(
            message.contains("251 MiB unpacked, and Lambda allows 250 MiB"),
            "{message}"
        );
        assert!(
            message.contains("node_modules/big (250 MiB), small (1 MiB)"),
            "{message}"
        );
    }

    #[test]
    fn an_empty_folder_is_refused() {
        let root = tempfile::tempdir().unwrap();
        assert!(matches!(
            pack(root.path(), |_, _| {}),
            Err(PackageError::Empty { .. })
        ));
    }
}
