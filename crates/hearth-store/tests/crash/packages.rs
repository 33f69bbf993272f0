//! Blobs and trees.

use std::collections::HashSet;
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use hearth_store::{Blobs, Trees};
use hearth_types::CodeHash;
use tempfile::TempDir;
use tokio::task::JoinSet;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{ACKNOWLEDGED, ROUNDS, Victim, alone, random, victim_directory};

/// Files in each package.
const FILES: usize = 12;

/// A package whose files all hold the same text.
fn package(text: &str) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for number in 0..FILES {
        zip.start_file(format!("d{}/f{number}", number % 3), stored)
            .unwrap();
        zip.write_all(text.repeat(50).as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
#[ignore = "a victim of the test below"]
fn victim() {
    let Some(dir) = victim_directory() else { return };
    let blobs = Blobs::open(&dir).unwrap();
    let trees = Trees::open(&dir, blobs.clone()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let workers = (0..3).map(|_| work(blobs.clone(), trees.clone()));
        workers.collect::<JoinSet<()>>().join_all().await
    });
}

async fn work(blobs: Blobs, trees: Trees) {
    loop {
        let hash = blobs
            .put(package(&random(u64::MAX).to_string()).into())
            .await
            .unwrap();
        println!("{ACKNOWLEDGED}blob {hash}");
        trees.unpack(hash).await.unwrap();
        println!("{ACKNOWLEDGED}tree {hash}");
        if random(4) == 0 {
            println!("{ACKNOWLEDGED}condemned {hash}");
            trees.remove(&hash).await.unwrap();
            blobs.remove(&hash).await.unwrap();
        }
    }
}

#[test]
fn packages_and_trees_are_whole_or_not_there() {
    let _alone = alone();
    let dir = TempDir::new().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for _ in 0..ROUNDS {
        let acknowledged = Victim::start("packages::victim", dir.path()).kill_at_random(40);
        runtime.block_on(audit(dir.path(), &acknowledged));
    }
}

/// Checks everything, and then begins anew, for trees have many files.
async fn audit(dir: &Path, acknowledged: &[String]) {
    let blobs = Blobs::open(dir).unwrap();
    let trees = Trees::open(dir, blobs.clone()).unwrap();
    let found_blobs = hashes(&dir.join("blobs/zip"));
    for hash in &found_blobs {
        blobs.get(*hash).await.unwrap();
    }
    let found_trees = hashes(&dir.join("blobs/trees"));
    for hash in &found_trees {
        audit_tree(&trees.path(hash));
    }
    let named = |what: &str| -> HashSet<CodeHash> {
        let prefix = format!("{what} ");
        let named = acknowledged.iter().filter_map(|line| line.strip_prefix(&prefix));
        named.map(|hash| CodeHash::parse(hash).unwrap()).collect()
    };
    let condemned = named("condemned");
    assert!((&named("blob") - &condemned).is_subset(&found_blobs));
    assert!((&named("tree") - &condemned).is_subset(&found_trees));
    trees.sweep(HashSet::new()).await.unwrap();
    blobs.sweep(HashSet::new()).await.unwrap();
}

/// Everything in a directory, all of which must be named after a hash.
fn hashes(dir: &Path) -> HashSet<CodeHash> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    names
        .map(|name| CodeHash::parse(name.to_str().unwrap()).unwrap())
        .collect()
}

fn audit_tree(tree: &Path) {
    let mut texts = Vec::new();
    for directory in fs::read_dir(tree).unwrap() {
        for file in fs::read_dir(directory.unwrap().path()).unwrap() {
            texts.push(fs::read_to_string(file.unwrap().path()).unwrap());
        }
    }
    assert_eq!(texts.len(), FILES);
    assert!(!texts[0].is_empty() && texts.iter().all(|text| *text == texts[0]));
}
