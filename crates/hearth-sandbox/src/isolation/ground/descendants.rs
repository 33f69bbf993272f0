//! The processes below one, where no namespace holds them together.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, Signal};

/// The children of a process.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    match has_lists() {
        true => listed(pid),
        false => parents().remove(&pid).unwrap_or_default(),
    }
}

/// A process and everything below it.
pub(crate) fn below(root: u32) -> Vec<u32> {
    match has_lists() {
        true => collect(root, listed),
        false => {
            let mut parents = parents();
            collect(root, |pid| parents.remove(&pid).unwrap_or_default())
        }
    }
}

/// Sends SIGKILL to a process and everything below it.
pub(crate) fn kill(root: u32) {
    let all = below(root);
    all.iter().for_each(|pid| kill_one(*pid, &all));
}

/// Sends it to everything below a process.
pub(crate) fn kill_below(root: u32) {
    let all = below(root);
    let others = all.iter().filter(|pid| **pid != root);
    others.for_each(|pid| kill_one(*pid, &all));
}

/// Kills a process that was found among these. Its number may be another's by now: what is killed is what still has its
/// parent among them, or this process.
fn kill_one(pid: u32, found: &[u32]) {
    let number = Pid::from_raw(pid as i32);
    let process = number.map(|number| rustix::process::pidfd_open(number, PidfdFlags::empty()));
    let Some(Ok(process)) = process else {
        // It has ended.
        return;
    };
    let own = std::process::id();
    if parent(pid).is_some_and(|parent| parent == own || found.contains(&parent)) {
        let _ = rustix::process::pidfd_send_signal(&process, Signal::KILL);
    }
}

fn collect(root: u32, mut children: impl FnMut(u32) -> Vec<u32>) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        let more = children(*pid);
        found.extend(more);
        next += 1;
    }
    found
}

/// Whether the kernel keeps lists of children (CONFIG_PROC_CHILDREN).
fn has_lists() -> bool {
    let own = std::process::id();
    Path::new(&format!("/proc/self/task/{own}/children")).exists()
}

/// The children of a process by those lists, one for each of its threads.
fn listed(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let numbers = |list: String| -> Vec<u32> {
        let numbers = list.split_ascii_whitespace();
        numbers.filter_map(|number| number.parse().ok()).collect()
    };
    lists.flat_map(numbers).collect()
}

/// All children of all processes.
fn parents() -> HashMap<u32, Vec<u32>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
        if let Some(parent) = parent(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    children
}

/// The parent of a process.
fn parent(pid: u32) -> Option<u32> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text);
    // In front of the last parenthesis stands the name, which is the process's own choice.
    let (_, numbers) = text.rsplit_once(')')?;
    numbers.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn both_ways_to_look_find_the_same() {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", "sleep 60 & echo there; wait"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = std::io::BufReader::new(shell.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut said, &mut String::new()).unwrap();
        let mut parents = parents();
        let looked = collect(shell.id(), |pid| parents.remove(&pid).unwrap_or_default());
        assert_eq!(looked.len(), 2);
        assert!(children(std::process::id()).contains(&shell.id()));
        if has_lists() {
            assert_eq!(collect(shell.id(), listed), looked);
        }
        kill(shell.id());
        shell.wait().unwrap();
        assert_eq!(parent(shell.id()), None);
    }
}
