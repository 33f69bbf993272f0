//! A disk that is really full: a small file system of the test's own.
//!
//! The test runs itself again in a mount namespace, so that the file system is gone when it ends, however
//! it ends.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use hearth_store::sqlite::{Options, SqliteStore};
use hearth_store::{
    BlobError, Blobs, Documents, Key, Kind, Store, StoreError, Trees, Unit, UnpackError, When,
};
use hearth_types::{AccountId, Region, Scope};
use tempfile::TempDir;

const DIRECTORY: &str = "HEARTH_TEST_FULL_DISK";

#[test]
fn a_full_disk_refuses_writes_and_loses_nothing() {
    if let Some(dir) = std::env::var_os(DIRECTORY) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        return runtime.block_on(fill(Path::new(&dir)));
    }
    let namespace = ["--map-root-user", "--mount"];
    if !Command::new("unshare")
        .args(namespace)
        .arg("true")
        .status()
        .is_ok_and(|status| status.success())
    {
        eprintln!("skipped: this machine does not let the test have a mount namespace");
        return;
    }
    let dir = TempDir::new().unwrap();
    let status = Command::new("unshare")
        .args(namespace)
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_full_disk_refuses_writes_and_loses_nothing",
            "--nocapture",
        ])
        .env(DIRECTORY, dir.path())
        .status()
        .unwrap();
    assert!(status.success());
}

fn key(id: usize) -> Key {
    let scope = Scope {
        account: AccountId::DEFAULT,
        region: Region::default(),
    };
    Key::new(scope, Kind::new("thing"), id.to_string())
}

async fn fill(dir: &Path) {
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=8m", "none"])
        .arg(dir)
        .status();
    assert!(mounted.unwrap().success());
    let data = dir.join("data");
    let store = SqliteStore::open(&data, &Options::default()).unwrap();
    let blobs = Blobs::open(&data).unwrap();
    let trees = Trees::open(&data, blobs.clone()).unwrap();
    let package = blobs.put(package().into()).await.unwrap();
    store
        .commit(Unit::new().put(key(0), "kept", When::Always))
        .await
        .unwrap();

    let ballast = dir.join("ballast");
    fill_rest(&ballast);
    let full = blobs.put(vec![1; 1 << 20].into()).await.unwrap_err();
    assert!(matches!(full, BlobError::Full), "{full}");
    let full = trees.unpack(package).await.unwrap_err();
    assert!(matches!(full, UnpackError::Blob(BlobError::Full)), "{full}");
    let mut written = 1;
    let full = loop {
        match store
            .commit(Unit::new().put(key(written), vec![2; 100_000], When::Absent))
            .await
        {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 100, "the disk does not fill");
    };
    assert_eq!(full, StoreError::Full);
    assert_eq!(store.get(&key(0)).await.unwrap().unwrap().body, "kept");
    assert_eq!(store.list_all(key(0).kind).await.unwrap().len(), written);
    assert_eq!(fs::read_dir(data.join("blobs/trees")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(data.join("blobs/zip")).unwrap().count(), 1);

    fs::remove_file(ballast).unwrap();
    store
        .commit(Unit::new().put(key(written), vec![2; 100_000], When::Absent))
        .await
        .unwrap();
    trees.unpack(package).await.unwrap();
    drop(store);
    let store = SqliteStore::open(&data, &Options::default()).unwrap();
    assert_eq!(store.list_all(key(0).kind).await.unwrap().len(), written + 1);
}

/// A package that unpacks to more than it takes itself.
fn package() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("zeros", zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(&vec![0; 1 << 20]).unwrap();
    zip.finish().unwrap().into_inner()
}

fn fill_rest(path: &Path) {
    let mut file = File::create_new(path).unwrap();
    let full = loop {
        if let Err(error) = file.write_all(&[0; 4096]) {
            break error;
        }
    };
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
}
