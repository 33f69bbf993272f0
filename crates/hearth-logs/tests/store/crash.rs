//! After a crash the logs hold a beginning of what was appended, and nothing else.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::common::{GROUP, all, files, line, open, scope};
use hearth_logs::LogOptions;

const DIR: &str = "HEARTH_LOGS_CRASH_DIR";

fn options() -> LogOptions {
    LogOptions {
        segment_bytes: 50_000,
        ..LogOptions::default()
    }
}

fn message(n: i64) -> String {
    format!("{n} {}", "x".repeat((n * 37 % 500) as usize))
}

/// The child: appends without end and tells how much is surely written.
#[tokio::test]
async fn appends_until_killed() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let store = open(Path::new(&dir), options());
    let next = all_or_none(&store).await;
    for n in next.. {
        store
            .append(&scope(), GROUP, "s", vec![line(n, message(n))])
            .await;
        if n % 50 == 0 {
            store.flush().await;
            println!("written {n}");
        }
    }
}

async fn all_or_none(store: &hearth_logs::LogStore) -> i64 {
    match store.streams(&scope(), GROUP).await {
        Ok(_) => all(store, GROUP).await.len() as i64,
        Err(_) => 0,
    }
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the child until it has said so many times that something is written; the last of it.
fn run_and_kill(dir: &Path, reports: usize) -> i64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "crash::appends_until_killed", "--nocapture"])
        .env(DIR, dir);
    let mut child = Killed(command.stdout(Stdio::piped()).spawn().unwrap());
    let output = BufReader::new(child.0.stdout.take().unwrap());
    let mut written = output.lines().filter_map(|line| {
        let line = line.unwrap();
        // The first one shares its line with the name of the test.
        line.rsplit_once("written ").map(|(_, n)| n.parse().unwrap())
    });
    written.nth(reports).unwrap()
}

#[tokio::test]
async fn a_killed_writer_leaves_a_beginning() {
    let dir = tempfile::tempdir().unwrap();
    for reports in [0, 3, 17, 40] {
        let written = run_and_kill(dir.path(), reports);
        let store = open(dir.path(), options());
        let found = all(&store, GROUP).await;
        assert!(found.len() as i64 > written, "{} of {written}", found.len());
        for (n, event) in found.iter().enumerate() {
            assert_eq!(
                (event.key.timestamp_ms, &event.message),
                (n as i64, &message(n as i64))
            );
        }
    }
}

#[tokio::test]
async fn a_torn_end_is_cut_off_and_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), options());
    store
        .append(
            &scope(),
            GROUP,
            "s",
            (0..3).map(|n| line(n, message(n))).collect(),
        )
        .await;
    store.flush().await;
    drop(store);
    let [segment] = &files(dir.path())[..] else {
        panic!("one segment")
    };
    let whole = std::fs::read(segment).unwrap();
    for torn in [1, 7, 8, 20, whole.len() / 2] {
        std::fs::write(segment, &whole[..whole.len() - torn]).unwrap();
        let store = open(dir.path(), options());
        let left = all(&store, GROUP).await.len() as i64;
        assert!((1..3).contains(&left));
        store
            .append(&scope(), GROUP, "s", vec![line(left, "again")])
            .await;
        store.flush().await;
        let found: Vec<_> = all(&store, GROUP)
            .await
            .into_iter()
            .map(|event| event.message)
            .collect();
        let kept = (0..left).map(message);
        assert_eq!(found, kept.chain(["again".to_owned()]).collect::<Vec<_>>());
        let listed = &store.groups(&scope(), "", |_| true, 1).await[0];
        assert_eq!(std::fs::metadata(segment).unwrap().len(), listed.stored_bytes);
    }
}

#[tokio::test]
async fn what_is_not_ours_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let region = dir.path().join("v1/000000000000/us-east-1");
    let group = region.join("+aws+lambda+hello");
    for junk in [
        region.join("not a group"),
        dir.path().join("v1/account/us-east-1/g"),
        group.clone(),
    ] {
        std::fs::create_dir_all(&junk).unwrap();
        std::fs::write(junk.join("notes.txt"), "mine").unwrap();
    }
    let garbage: Vec<u8> = (0..5000u32).map(|n| ((n * 7919) >> 3) as u8).collect();
    std::fs::write(group.join("00000000000000000001.log"), &garbage).unwrap();
    std::fs::write(group.join("00000000000000000002.log"), &garbage).unwrap();
    let store = open(dir.path(), options());
    store
        .append(&scope(), GROUP, "s", vec![line(0, message(0))])
        .await;
    let found: Vec<_> = all(&store, GROUP)
        .await
        .into_iter()
        .map(|event| event.message)
        .collect();
    assert_eq!(found, [message(0)]);
    assert_eq!(store.groups(&scope(), "", |_| true, 10).await.len(), 1);
    assert_eq!(std::fs::read(group.join("notes.txt")).unwrap(), b"mine");
}
