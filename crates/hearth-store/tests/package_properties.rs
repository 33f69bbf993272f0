//! Whatever a package holds, reading it never panics and never touches anything outside its tree.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod archive;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use hearth_store::package::inspect;
use hearth_store::{Blobs, Trees, UnpackError};
use proptest::prelude::*;
use tempfile::TempDir;

use archive::{Entry, FILE, LINK, archive};

/// Unpacks below several directories of its own, so that a few steps up can be seen, and checks that nothing
/// but the tree came to be. The verdict must be the same as that of merely looking.
fn unpack_and_audit(zip: Vec<u8>) {
    let verdict = inspect(&zip);
    let outside = TempDir::new().unwrap();
    let data = outside.path().join("a/b/c");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (tree, unpacked) = runtime.block_on(async {
        let blobs = Blobs::open(&data).unwrap();
        let trees = Trees::open(&data, blobs.clone()).unwrap();
        let hash = blobs.put(zip.into()).await.unwrap();
        (trees.path(&hash), trees.unpack(hash).await)
    });
    match unpacked {
        Ok(_) => {
            assert!(verdict.is_ok(), "{verdict:?}");
            audit_tree(&tree);
        }
        Err(UnpackError::Package(error)) => assert_eq!(verdict, Err(error)),
        Err(UnpackError::Blob(error)) => panic!("{error}"),
    }
    let zips = data.join("blobs/zip");
    let expected = [data.join("blobs/trees"), zips.clone()];
    let outside = files_below(outside.path(), &|path| path != tree);
    for path in outside {
        let known = expected.iter().any(|known| known.starts_with(&path))
            || path.parent() == Some(&zips)
            || path == tree;
        assert!(known, "{}", path.display());
    }
}

/// Everything below a directory; directories are entered where `enter` says so, links never.
fn files_below(dir: &Path, enter: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if fs::symlink_metadata(&path).unwrap().is_dir() && enter(&path) {
            found.extend(files_below(&path, enter));
        }
        found.push(path);
    }
    found
}

/// No link leads out, and everything is readable and without privilege.
fn audit_tree(tree: &Path) {
    for path in files_below(tree, &|_| true) {
        let kind = fs::symlink_metadata(&path).unwrap();
        if kind.is_symlink() {
            if let Ok(real) = fs::canonicalize(&path) {
                assert!(
                    real.starts_with(fs::canonicalize(tree).unwrap()),
                    "{} → {}",
                    path.display(),
                    real.display()
                );
            }
        } else {
            let mode = kind.permissions().mode();
            assert!(
                [0o040_755, 0o100_644, 0o100_755].contains(&mode),
                "{} {mode:o}",
                path.display()
            );
        }
    }
}

/// Few components, so that names meet.
fn path() -> impl Strategy<Value = String> {
    let component = prop_oneof![
        8 => prop::sample::select(vec!["a", "b", "c"]),
        1 => prop::sample::select(vec![".", "..", "", "a\\b", "ü"]),
    ];
    prop::collection::vec(component, 1..4).prop_map(|components| components.join("/"))
}

/// A target that mostly goes up and then down.
fn target() -> impl Strategy<Value = String> {
    (0..3usize, path()).prop_map(|(up, down)| "../".repeat(up) + &down)
}

/// Links that lead through each other, up and down.
fn chained_link() -> impl Strategy<Value = Entry> {
    let name = prop::sample::select(vec!["x", "a/x", "a/b/x", "y", "a/y"]);
    let step = prop::sample::select(vec!["..", "..", ".", "a", "b", "x", "a/x"]);
    (name, prop::collection::vec(step, 1..4))
        .prop_map(|(name, steps)| Entry::new(name, LINK, steps.join("/").as_bytes()))
}

fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        4 => (path(), any::<u32>()).prop_map(|(name, bits)| Entry::new(&name, FILE | bits & 0o7777, b"content")),
        2 => path().prop_map(|name| Entry::new(&(name + "/"), 0o040_700, b"")),
        3 => (path(), target()).prop_map(|(name, target)| Entry::new(&name, LINK, target.as_bytes())),
        1 => (path(), any::<u16>()).prop_map(|(name, mode)| Entry::new(&name, mode.into(), b"any")),
    ]
}

/// A change to some bytes of an archive.
#[derive(Clone, Debug)]
enum Mutation {
    Set(prop::sample::Index, u8),
    Flip(prop::sample::Index, u8),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
    Fill(prop::sample::Index, usize, u8),
}

impl Mutation {
    fn apply(&self, zip: &mut Vec<u8>) {
        if zip.is_empty() {
            return;
        }
        let end = zip.len();
        let run = |at: usize, length: &usize| at..(at + length).min(end);
        match self {
            Self::Set(at, value) => *at.get_mut(zip) = *value,
            Self::Flip(at, bit) => *at.get_mut(zip) ^= 1 << bit,
            Self::Remove(at, length) => drop(zip.drain(run(at.index(end), length))),
            Self::Repeat(at, length) => {
                let run = run(at.index(end), length);
                let copy = zip[run.clone()].to_vec();
                zip.splice(run.start..run.start, copy);
            }
            Self::Fill(at, length, value) => {
                let run = run(at.index(end), length);
                zip[run].fill(*value);
            }
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, value)| Mutation::Set(at, value)),
        (at(), 0..8u8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        (at(), 1..64usize).prop_map(|(at, length)| Mutation::Remove(at, length)),
        (at(), 1..64usize).prop_map(|(at, length)| Mutation::Repeat(at, length)),
        (at(), 1..8usize, prop::sample::select(vec![0, 0x7f, 0xff]))
            .prop_map(|(at, length, value)| Mutation::Fill(at, length, value)),
    ]
}

/// So many times the usual number of cases, which `PROPTEST_CASES` changes.
fn cases(times: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases * times,
        failure_persistence: None,
        ..usual
    }
}

proptest! {
    #![proptest_config(cases(8))]

    #[test]
    fn any_bytes_get_a_verdict(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        let _ = inspect(&bytes);
    }

    #[test]
    fn any_bytes_before_a_directory_end_get_a_verdict(mut bytes in prop::collection::vec(any::<u8>(), 22..512)) {
        let end = bytes.len() - 22;
        bytes[end..end + 8].copy_from_slice(b"PK\x05\x06\0\0\0\0");
        bytes[end + 20..].fill(0);
        let _ = inspect(&bytes);
    }
}

proptest! {
    #![proptest_config(cases(1))]

    #[test]
    fn any_entries_stay_inside(entries in prop::collection::vec(entry(), 1..8)) {
        unpack_and_audit(archive(&entries));
    }

    #[test]
    fn chains_of_links_stay_inside(links in prop::collection::vec(chained_link(), 2..4)) {
        let directories = Entry::new("a/b/", 0o040_755, b"");
        unpack_and_audit(archive(&[vec![directories], links].concat()));
    }

    #[test]
    fn mutated_archives_stay_inside(
        entries in prop::collection::vec(entry(), 1..6),
        deflated in any::<bool>(),
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let mut entries = entries;
        if deflated {
            entries.push(Entry::zeros("zeros", 3000));
        }
        let mut zip = archive(&entries);
        mutations.iter().for_each(|mutation| mutation.apply(&mut zip));
        unpack_and_audit(zip);
    }
}
