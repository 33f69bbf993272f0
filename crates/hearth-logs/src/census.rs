//! Which groups and segments a directory holds.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use hearth_types::time::unix_millis;
use hearth_types::{AccountId, Region, Scope};

use crate::group_key::{DirName, GroupKey};
use crate::segments::{COPY, Segment, Segments};

/// Every group below `root`. Files and directories that are not ours are left alone.
pub(crate) fn take(root: &Path) -> io::Result<Vec<(GroupKey, Segments)>> {
    let mut found = Vec::new();
    for (account, dir) in subdirectories(root)? {
        let Ok(account) = AccountId::parse(&account) else {
            continue;
        };
        for (region, dir) in subdirectories(&dir)? {
            let Ok(region) = Region::parse(&region) else {
                continue;
            };
            groups(&Scope { account, region }, "", &dir, &mut found)?;
        }
    }
    Ok(found)
}

/// The groups in `dir` whose names start with `start`.
fn groups(scope: &Scope, start: &str, dir: &Path, found: &mut Vec<(GroupKey, Segments)>) -> io::Result<()> {
    for (name, dir) in subdirectories(dir)? {
        match DirName::parse(&name) {
            DirName::Continued(part) => groups(scope, &format!("{start}{part}"), &dir, found)?,
            DirName::Group(part) => {
                let Some(key) = GroupKey::new(scope, &format!("{start}{part}")) else {
                    continue;
                };
                let list = segments(&dir)?;
                if !list.is_empty() {
                    found.push((key, Segments::new(dir, list)));
                }
            }
        }
    }
    Ok(())
}

fn segments(dir: &Path) -> io::Result<Vec<Segment>> {
    let mut list = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        // The unfinished copy of a segment.
        if entry.path().extension().is_some_and(|kind| kind == COPY) {
            fs::remove_file(entry.path())?;
            continue;
        }
        let Some(id) = entry.file_name().to_str().and_then(Segment::id_of) else {
            continue;
        };
        let metadata = entry.metadata()?;
        let written_ms = metadata.modified().map_or(0, unix_millis);
        list.push(Segment {
            id,
            bytes: metadata.len(),
            written_ms,
            span: None,
            marks: Vec::new(),
        });
    }
    Ok(list)
}

/// The directories in a directory; none where it is missing.
fn subdirectories(dir: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?.collect::<Result<Vec<DirEntry>, _>>()?,
    };
    let directory = |entry: DirEntry| {
        let kept = entry.file_type().is_ok_and(|kind| kind.is_dir());
        Some((entry.file_name().into_string().ok()?, entry.path())).filter(|_| kept)
    };
    Ok(entries.into_iter().filter_map(directory).collect())
}
