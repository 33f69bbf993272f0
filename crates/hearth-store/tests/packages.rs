//! Packages from honest and hostile hands, kept as blobs and unpacked.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod archive;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bytes::Bytes;
use hearth_store::package::{MAX_ENTRIES, PackageError, Summary, inspect};
use hearth_store::{BlobError, Blobs, Trees, UnpackError, Unpacked};
use hearth_types::CodeHash;
use hearth_types::limits::CODE_UNZIPPED;
use tempfile::TempDir;

use archive::{Entry, FILE, LINK, archive};

/// Blobs and trees in a directory of their own.
struct Place {
    dir: TempDir,
    blobs: Blobs,
    trees: Trees,
}

impl Place {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let blobs = Blobs::open(dir.path()).unwrap();
        let trees = Trees::open(dir.path(), blobs.clone()).unwrap();
        Self { dir, blobs, trees }
    }

    async fn unpack(&self, zip: Vec<u8>) -> Result<CodeHash, UnpackError> {
        let hash = self.blobs.put(zip.into()).await?;
        self.trees.unpack(hash).await.map(|_| hash)
    }

    fn names(&self, below: &str) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path().join(below)).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

/// Everything in a tree: its mode, and its content or target.
fn contents(tree: &Path) -> BTreeMap<String, (u32, String)> {
    let mut found = BTreeMap::new();
    let mut directories = vec![tree.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap();
            let content = if kind.is_dir() {
                directories.push(path.clone());
                String::new()
            } else if kind.is_symlink() {
                fs::read_link(&path).unwrap().to_str().unwrap().to_owned()
            } else {
                fs::read_to_string(&path).unwrap()
            };
            let name = path.strip_prefix(tree).unwrap().to_str().unwrap().to_owned();
            found.insert(name, (kind.permissions().mode(), content));
        }
    }
    found
}

/// A package must be refused alike when it is looked at and when it is unpacked, and leave nothing behind.
async fn assert_refused(entries: &[Entry], expected: impl Fn(&PackageError) -> bool) {
    let zip = archive(entries);
    let error = inspect(&zip).unwrap_err();
    assert!(expected(&error), "{error:?}");
    let place = Place::new();
    match place.unpack(zip).await.unwrap_err() {
        UnpackError::Package(unpacking) => assert_eq!(unpacking, error),
        other => panic!("{other:?}"),
    }
    assert_eq!(place.names("blobs/trees"), [""; 0]);
    assert_eq!(place.names(""), ["blobs"]);
}

#[tokio::test]
async fn files_keep_their_content_and_lose_their_privileges() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let undated = Entry {
        mode: None,
        ..Entry::file("made/on/windows", "w")
    };
    let zip = archive(&[
        Entry::file("index.js", "j"),
        Entry::new("bin/tool", 0o104_755, b"t"),
        Entry::new("bin/for-owner", 0o100_700, b"o"),
        Entry::new("shared", 0o100_666, b"s"),
        Entry::new("secret", 0o100_000, b"x"),
        Entry::new("empty/", 0o041_777, b""),
        Entry::new("bare", 0o600, b"b"),
        undated,
        Entry::file("index.js", "later"),
    ]);
    assert_eq!(
        inspect(&zip).unwrap(),
        Summary {
            entries: 9,
            unpacked_bytes: 12
        }
    );
    let place = Place::new();
    let hash = place.unpack(zip).await.unwrap();
    let tree = place.trees.path(&hash);
    let found = contents(&tree);
    let found: Vec<_> = found
        .iter()
        .map(|(name, (mode, text))| (name.as_str(), *mode, text.as_str()))
        .collect();
    let expected = [
        ("bare", 0o100_644, "b"),
        ("bin", 0o040_755, ""),
        ("bin/for-owner", 0o100_755, "o"),
        ("bin/tool", 0o100_755, "t"),
        ("empty", 0o040_755, ""),
        ("index.js", 0o100_644, "later"),
        ("made", 0o040_755, ""),
        ("made/on", 0o040_755, ""),
        ("made/on/windows", 0o100_644, "w"),
        ("secret", 0o100_644, "x"),
        ("shared", 0o100_644, "s"),
    ];
    assert_eq!(found, expected);
    assert_eq!(fs::metadata(&tree).unwrap().permissions().mode(), 0o040_755);
}

#[tokio::test]
async fn links_inside_the_package_are_kept() {
    let zip = archive(&[
        Entry::new("node_modules/.bin/tool", LINK, b"../tool/cli.js"),
        Entry::file("node_modules/tool/cli.js", "c"),
        Entry::new("dangling", LINK, b"not/there"),
        Entry::new("here", LINK, b"."),
    ]);
    let place = Place::new();
    let hash = place.unpack(zip).await.unwrap();
    let tree = place.trees.path(&hash);
    assert_eq!(
        fs::read_to_string(tree.join("node_modules/.bin/tool")).unwrap(),
        "c"
    );
    assert_eq!(contents(&tree)["dangling"].1, "not/there");
}

#[tokio::test]
async fn links_out_of_the_package_are_refused() {
    for (name, target) in [
        ("a", "/etc/passwd"),
        ("a", ".."),
        ("a/b", "../../x"),
        ("a", "b/../../x"),
        ("a", ""),
        ("a", "x\0y"),
    ] {
        let entries = [Entry::new(name, LINK, target.as_bytes())];
        assert_refused(&entries, |error| matches!(error, PackageError::UnsafeLink { .. })).await;
    }
    let long = Entry::new("a", LINK, &[b'x'; 5000]);
    assert_refused(&[long], |error| matches!(error, PackageError::UnsafeLink { .. })).await;
}

#[tokio::test]
async fn nothing_is_written_through_a_link() {
    let link = Entry::new("a", LINK, b"b");
    for entries in [
        [link.clone(), Entry::file("a/x", "x")],
        [Entry::file("a/x", "x"), link.clone()],
        [link.clone(), Entry::file("a", "x")],
        [link.clone(), Entry::new("a", LINK, b"c")],
        [link, Entry::new("a/", 0o040_755, b"")],
    ] {
        assert_refused(&entries, |error| matches!(error, PackageError::Clash(_))).await;
    }
}

#[tokio::test]
async fn a_file_does_not_become_a_directory() {
    let file = Entry::file("a", "x");
    for entries in [
        [file.clone(), Entry::file("a/b", "x")],
        [Entry::file("a/b", "x"), file.clone()],
        [file, Entry::new("./a/", 0o040_755, b"")],
    ] {
        assert_refused(&entries, |error| matches!(error, PackageError::Clash(_))).await;
    }
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_refused() {
    for name in [
        "/etc/cron.d/x",
        "../x",
        "a/../../x",
        "a/..",
        "..",
        "/",
        "",
        "a\0b",
        &"a/".repeat(600),
    ] {
        let entries = [Entry::file(name, "x")];
        assert_refused(&entries, |error| matches!(error, PackageError::UnsafePath(_))).await;
    }
}

#[tokio::test]
async fn devices_pipes_and_sockets_are_refused() {
    for kind in [0o020_666, 0o060_666, 0o010_666, 0o140_666] {
        let entries = [Entry::new("a", kind, b"")];
        assert_refused(&entries, |error| matches!(error, PackageError::SpecialFile(_))).await;
    }
}

#[tokio::test]
async fn a_bomb_is_refused_at_the_limit() {
    let half = Entry::zeros("0", CODE_UNZIPPED as usize / 2);
    let other = Entry {
        name: "1".into(),
        ..half.clone()
    };
    let fits = archive(&[half.clone(), other.clone()]);
    assert_eq!(
        inspect(&fits).unwrap(),
        Summary {
            entries: 2,
            unpacked_bytes: CODE_UNZIPPED
        }
    );
    let entries = [half, other, Entry::file("2", "x")];
    assert_refused(&entries, |error| *error == PackageError::TooLarge).await;
}

#[tokio::test]
async fn headers_are_not_believed() {
    let bomb = Entry {
        size: 10,
        ..Entry::zeros("a", 1 << 20)
    };
    assert_refused(&[bomb], |error| matches!(error, PackageError::NotAZip(_))).await;
    let damaged = Entry {
        checksum: 1,
        ..Entry::file("a", "x")
    };
    assert_refused(&[damaged], |error| matches!(error, PackageError::NotAZip(_))).await;
    let unknown_method = Entry {
        method: 99,
        ..Entry::file("a", "x")
    };
    assert_refused(&[unknown_method], |error| {
        matches!(error, PackageError::NotAZip(_))
    })
    .await;
}

#[test]
fn entries_do_not_share_their_data() {
    let first = Entry::file("a", &"x".repeat(4000));
    let other = Entry {
        name: "b".into(),
        stored: Vec::new(),
        ..first
    };
    let mut zip = archive(&[first, other]);
    // What the directory says of the second entry is made to point at the data of the first.
    let directory = zip.windows(4).rposition(|at| at == b"PK\x01\x02").unwrap();
    zip[directory + 20..directory + 24].copy_from_slice(&4000u32.to_le_bytes());
    zip[directory + 42..directory + 46].fill(0);
    assert_eq!(
        inspect(&zip),
        Err(PackageError::NotAZip("entries overlap".to_owned()))
    );
}

#[tokio::test]
async fn entries_and_the_directories_they_imply_are_counted() {
    let many: Vec<_> = (0..=MAX_ENTRIES)
        .map(|number| Entry::file(&number.to_string(), ""))
        .collect();
    assert!(inspect(&archive(&many[..MAX_ENTRIES])).is_ok());
    assert_eq!(inspect(&archive(&many)), Err(PackageError::TooManyEntries));
    let deep = |number: usize| Entry::file(&format!("{number}{}", "/d".repeat(499)), "");
    let deep: Vec<_> = (0..=MAX_ENTRIES / 500).map(deep).collect();
    assert_eq!(inspect(&archive(&deep)), Err(PackageError::TooManyEntries));
}

#[test]
fn what_is_no_archive_is_said_to_be_none() {
    let zip = archive(&[Entry::file("a", "x")]);
    assert_eq!(inspect(&archive(&[])), Ok(Summary::default()));
    for bad in [
        &b""[..],
        b"PK",
        b"#!/bin/sh\n",
        &[0; 4096],
        &zip[..zip.len() - 1],
        &zip[..30],
    ] {
        assert!(matches!(inspect(bad), Err(PackageError::NotAZip(_))), "{bad:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_package_is_unpacked_once() {
    let place = Place::new();
    let hash = place
        .blobs
        .put(archive(&[Entry::file("a", "x")]).into())
        .await
        .unwrap();
    let started: Vec<_> = (0..16)
        .map(|_| {
            let trees = place.trees.clone();
            tokio::spawn(async move { trees.unpack(hash).await.unwrap() })
        })
        .collect();
    let mut unpacked = 0;
    for one in started {
        unpacked += usize::from(one.await.unwrap() != Unpacked::Before);
    }
    assert_eq!(unpacked, 1);
    place.trees.remove(&hash).await.unwrap();
    place.trees.remove(&hash).await.unwrap();
    assert_eq!(place.names("blobs/trees"), [""; 0]);
    let summary = Summary {
        entries: 1,
        unpacked_bytes: 1,
    };
    assert_eq!(place.trees.unpack(hash).await.unwrap(), Unpacked::Now(summary));
}

#[tokio::test]
async fn large_packages_are_unpacked_whole() {
    let entries: Vec<_> = (0..500)
        .map(|n| Entry::file(&format!("m{}/f{n}", n % 7), &n.to_string()))
        .collect();
    let place = Place::new();
    let hash = place.unpack(archive(&entries)).await.unwrap();
    let found = contents(&place.trees.path(&hash));
    assert_eq!(found.len(), 507);
    assert_eq!(found["m3/f10"], (FILE, "10".to_owned()));
}

#[tokio::test]
async fn what_was_left_unfinished_is_removed_at_the_start() {
    let place = Place::new();
    let hash = place.unpack(archive(&[Entry::file("a", "x")])).await.unwrap();
    let blobs = place.dir.path().join("blobs");
    fs::create_dir_all(blobs.join("trees/.new-0/deep")).unwrap();
    fs::write(blobs.join("trees/.new-0/deep/file"), "x").unwrap();
    fs::write(blobs.join("zip/.new-3"), "half").unwrap();
    let reopened = Blobs::open(place.dir.path()).unwrap();
    Trees::open(place.dir.path(), reopened).unwrap();
    for below in ["blobs/zip", "blobs/trees"] {
        assert_eq!(place.names(below), [hash.to_string()]);
    }
}

#[tokio::test]
async fn only_what_is_referenced_survives_a_sweep() {
    let place = Place::new();
    let mut hashes = Vec::new();
    for content in ["a", "b", "c"] {
        hashes.push(place.unpack(archive(&[Entry::file("f", content)])).await.unwrap());
    }
    let referenced = HashSet::from([hashes[1]]);
    assert_eq!(place.trees.sweep(referenced.clone()).await.unwrap(), 2);
    assert_eq!(place.blobs.sweep(referenced).await.unwrap(), 2);
    for below in ["blobs/zip", "blobs/trees"] {
        assert_eq!(place.names(below), [hashes[1].to_string()]);
    }
    assert!(matches!(
        place.trees.unpack(hashes[0]).await,
        Err(UnpackError::Blob(BlobError::Missing(hash))) if hash == hashes[0]
    ));
}

#[tokio::test]
async fn a_blob_is_what_its_name_says() {
    let place = Place::new();
    let bytes = Bytes::from_static(b"package");
    let hash = place.blobs.put(bytes.clone()).await.unwrap();
    assert_eq!(hash, CodeHash::of(&bytes));
    assert_eq!(place.blobs.put(bytes.clone()).await.unwrap(), hash);
    assert_eq!(place.blobs.get(hash).await.unwrap(), bytes);
    fs::write(place.blobs.path(&hash), "tampered").unwrap();
    assert!(matches!(place.blobs.get(hash).await, Err(BlobError::Damaged(found)) if found == hash));
    place.blobs.remove(&hash).await.unwrap();
    place.blobs.remove(&hash).await.unwrap();
    assert!(matches!(place.blobs.get(hash).await, Err(BlobError::Missing(found)) if found == hash));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_is_never_seen_by_half() {
    let place = Place::new();
    let bytes = Bytes::from(vec![1; 8 << 20]);
    let path = place.blobs.path(&CodeHash::of(&bytes));
    let (blobs, length) = (place.blobs.clone(), bytes.len() as u64);
    let put = tokio::spawn(async move { blobs.put(bytes).await });
    while !put.is_finished() {
        if let Ok(found) = fs::metadata(&path) {
            assert_eq!(found.len(), length);
        }
    }
    put.await.unwrap().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), length);
}
