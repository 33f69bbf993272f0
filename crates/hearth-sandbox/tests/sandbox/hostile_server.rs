//! A server that was taken over, against the warden's protocol.
//!
//! It writes records by hand. Whatever it does, the warden goes on serving, and leaves nothing behind.

use std::fs::{self, File};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use hearth_sandbox::Tier;
use hearth_types::CodeHash;
use libtest_mimic::{Failed, Trial};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

use crate::leftovers::processes;
use crate::node::{Directory, Node, USERS};
use crate::tier::tier;
use crate::{Outcome, suite};

pub(crate) fn trials() -> Vec<Trial> {
    suite(
        "hostile_server",
        &[
            ("garbage_is_dropped", garbage_is_dropped),
            ("other_sizes_are_dropped", other_sizes_are_dropped),
            (
                "huge_numbers_are_clamped_or_refused",
                huge_numbers_are_clamped_or_refused,
            ),
            ("only_trees_are_code", only_trees_are_code),
            (
                "foreign_and_dead_environments_are_refused",
                foreign_and_dead_environments_are_refused,
            ),
            (
                "an_environment_being_made_cannot_be_claimed",
                an_environment_being_made_cannot_be_claimed,
            ),
            (
                "asking_environments_to_end_does_no_more",
                asking_environments_to_end_does_no_more,
            ),
            ("sockets_are_those_of_one", sockets_are_those_of_one),
            (
                "freezing_is_freezing_and_keeps_nothing",
                freezing_is_freezing_and_keeps_nothing,
            ),
            (
                "descriptors_sent_along_are_closed",
                descriptors_sent_along_are_closed,
            ),
            (
                "a_flood_of_boots_ends_at_the_limit",
                a_flood_of_boots_ends_at_the_limit,
            ),
            ("a_server_that_does_not_listen", a_server_that_does_not_listen),
            ("closing_in_the_middle", closing_in_the_middle),
            ("shutting_down_one_direction", shutting_down_one_direction),
        ],
    )
}

const BOOT: u8 = 1;
const CLAIM: u8 = 2;
const KILL: u8 = 3;
const TERMINATE: u8 = 4;
const SOCKET: u8 = 5;

const BOOTED: u8 = 1;
const CLAIMED: u8 = 2;
const REFUSED: u8 = 3;
const EXITED: u8 = 4;
const SOCKET_MADE: u8 = 5;

const NO_SUCH_CODE: u8 = 2;
const NO_SUCH_ENVIRONMENT: u8 = 3;
const ALREADY_CLAIMED: u8 = 4;
const FULL: u8 = 5;

/// A request, field by field.
#[derive(Clone, Copy, Default)]
struct Request {
    kind: u8,
    start: u8,
    runtime: u16,
    tag: u32,
    id: u64,
    memory_mb: u32,
    ephemeral_mb: u32,
    code: [u8; 32],
    layers: [u8; 32],
}

impl Request {
    fn boot(tag: u32) -> Self {
        Self {
            kind: BOOT,
            tag,
            memory_mb: 128,
            ..Self::default()
        }
    }

    fn claim(tag: u32, id: u64, code: CodeHash) -> Self {
        Self {
            kind: CLAIM,
            tag,
            id,
            memory_mb: 128,
            ephemeral_mb: 512,
            code: *code.as_bytes(),
            ..Self::default()
        }
    }

    fn with_layers(self, layers: CodeHash) -> Self {
        Self {
            // Says that there are layers.
            start: 1,
            layers: *layers.as_bytes(),
            ..self
        }
    }

    fn kill(id: u64) -> Self {
        Self {
            kind: KILL,
            id,
            ..Self::default()
        }
    }

    fn terminate(id: u64) -> Self {
        Self {
            kind: TERMINATE,
            ..Self::kill(id)
        }
    }

    fn socket(tag: u32, id: u64) -> Self {
        Self {
            kind: SOCKET,
            tag,
            ..Self::kill(id)
        }
    }

    fn record(self) -> Vec<u8> {
        let mut record = vec![self.kind, self.start];
        record.extend(self.runtime.to_le_bytes());
        record.extend(self.tag.to_le_bytes());
        record.extend(self.id.to_le_bytes());
        record.extend(self.memory_mb.to_le_bytes());
        record.extend(self.ephemeral_mb.to_le_bytes());
        record.extend(self.code);
        record.extend(self.layers);
        record
    }
}

/// An answer, as far as these tests look at it.
#[derive(Debug)]
struct Answer {
    kind: u8,
    reason: u8,
    tag: u32,
    id: u64,
    descriptors: Vec<OwnedFd>,
}

/// The server's end of the socket, and the number of the warden at the other.
struct Socket<'a>(&'a OwnedFd, u32);

impl Socket<'_> {
    fn send(&self, record: &[u8]) -> Outcome {
        Ok(rustix::net::send(self.0, record, SendFlags::NOSIGNAL).map(drop)?)
    }

    /// Sends what should not be answered.
    fn send_in_vain(&self, record: &[u8]) -> Outcome {
        self.send(record)?;
        self.is_served()
    }

    fn receive(&self) -> Result<Answer, Failed> {
        let mut record = [0; 40];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(&mut record)];
        let received = rustix::net::recvmsg(self.0, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
        if received.bytes != 40 {
            return Err(format!("an answer of {} bytes", received.bytes).into());
        }
        let rights = ancillary.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        });
        Ok(Answer {
            kind: record[0],
            reason: record[1],
            descriptors: rights.flatten().collect(),
            tag: u32::from_le_bytes(record[4..8].try_into()?),
            id: u64::from_le_bytes(record[8..16].try_into()?),
        })
    }

    fn ask(&self, request: Request) -> Result<Answer, Failed> {
        self.send(&request.record())?;
        self.receive()
    }

    fn expect(&self, request: Request, kind: u8, reason: u8) -> Result<Answer, Failed> {
        let answer = self.ask(request)?;
        if (answer.kind, answer.reason) != (kind, reason) {
            return Err(format!("expected {kind} {reason}, not {answer:?}").into());
        }
        Ok(answer)
    }

    fn boot(&self) -> Result<Answer, Failed> {
        let answer = self.expect(Request::boot(77), BOOTED, 0)?;
        if answer.tag == 77 && answer.descriptors.len() == 7 + usize::from(can_freeze()) {
            Ok(answer)
        } else {
            Err(format!("{answer:?}").into())
        }
    }

    fn kill(&self, id: u64) -> Outcome {
        let answer = self.expect(Request::kill(id), EXITED, 1)?;
        if answer.id == id {
            Ok(())
        } else {
            Err(format!("{answer:?}").into())
        }
    }

    /// The warden does what it should for a decent request. No other answer may come before.
    fn is_served(&self) -> Outcome {
        self.kill(self.boot()?.id)
    }
}

fn play(test: impl FnOnce(&Socket<'_>, &Directory) -> Outcome) -> Outcome {
    let Node {
        directory,
        warden,
        socket,
        before,
    } = Node::start()?;
    rustix::net::sockopt::set_socket_timeout(
        &socket,
        rustix::net::sockopt::Timeout::Recv,
        Some(Duration::from_secs(30)),
    )?;
    let pid = warden.id();
    let server = Socket(&socket, pid);
    let result = test(&server, &directory).and_then(|()| server.is_served());
    drop(socket);
    let status = warden.wait()?;
    result?;
    if !status.success() {
        return Err(format!("the warden ended with {status}").into());
    }
    before.compare(pid)
}

fn garbage_is_dropped() -> Outcome {
    play(|socket, _| {
        let valid = Request::boot(1).record();
        for at in 0..valid.len() {
            // Tag, runtime and memory may have any value.
            if (2..8).contains(&at) || (16..20).contains(&at) {
                continue;
            }
            for flip in [0x80, 0xff] {
                let mut record = valid.clone();
                record[at] ^= flip;
                socket.send(&record)?;
            }
        }
        // A generator that gives the same on every run.
        let mut state = 1u64;
        for _ in 0..2000 {
            let record: Vec<u8> = (0..88)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 33) as u8
                })
                .collect();
            // Only kinds that have nothing but a number could be hit, and nobody has these numbers.
            socket.send(&record)?;
        }
        socket.is_served()
    })
}

fn other_sizes_are_dropped() -> Outcome {
    play(|socket, _| {
        let valid = Request::boot(1).record();
        for length in [1, 8, 56, 87] {
            socket.send_in_vain(&valid[..length])?;
        }
        socket.send_in_vain(&[valid.clone(), vec![0]].concat())?;
        socket.send_in_vain(&valid.repeat(100))?;
        socket.send_in_vain(&[])
    })
}

fn huge_numbers_are_clamped_or_refused() -> Outcome {
    play(|socket, directory| {
        let code = directory.unpack("code", &[])?;
        for runtime in [1, 2, 255, u16::MAX - 1] {
            socket.expect(
                Request {
                    runtime,
                    ..Request::boot(1)
                },
                REFUSED,
                1,
            )?;
        }
        for size in [0, 1, u32::MAX] {
            let booted = socket.expect(
                Request {
                    memory_mb: size,
                    ..Request::boot(u32::MAX)
                },
                BOOTED,
                0,
            )?;
            let claim = Request {
                memory_mb: size,
                ephemeral_mb: size,
                ..Request::claim(2, booted.id, code)
            };
            socket.expect(claim, CLAIMED, 0)?;
            socket.kill(booted.id)?;
        }
        for id in [0, u64::MAX, u64::MAX >> 2, 1 << 62] {
            socket.send(&Request::kill(id).record())?;
            socket.expect(Request::claim(3, id, code), REFUSED, NO_SUCH_ENVIRONMENT)?;
        }
        Ok(())
    })
}

fn only_trees_are_code() -> Outcome {
    play(|socket, directory| {
        let booted = socket.boot()?;
        let place = |name: &str| {
            let hash = CodeHash::of(name.as_bytes());
            (hash, directory.trees().join(hash.to_string()))
        };
        let (missing, _) = place("missing");
        let (file, path) = place("file");
        fs::write(path, "not a directory")?;
        let (link, path) = place("link");
        symlink("/etc", path)?;
        let (upwards, path) = place("upwards");
        symlink("../..", path)?;
        let (magic, path) = place("magic");
        symlink("/proc/self/root", path)?;
        let unfinished = directory.trees().join(".unfinished");
        fs::create_dir(&unfinished)?;
        for code in [missing, file, link, upwards, magic, CodeHash::from_bytes([0; 32])] {
            socket.expect(Request::claim(1, booted.id, code), REFUSED, NO_SUCH_CODE)?;
        }
        // Nor are they layers.
        let code = directory.unpack("code", &[])?;
        for layers in [missing, file, link, upwards, magic, CodeHash::from_bytes([0; 32])] {
            let claim = Request::claim(1, booted.id, code).with_layers(layers);
            socket.expect(claim, REFUSED, NO_SUCH_CODE)?;
        }
        // Layers that are not said to be there make no request.
        let unsaid = Request {
            start: 0,
            ..Request::claim(1, booted.id, code).with_layers(code)
        };
        socket.send(&unsaid.record())?;
        // Without a launcher that shows folders no number is one.
        for number in [0, 1, u64::MAX] {
            let mut claim = Request::claim(1, booted.id, CodeHash::from_bytes([0; 32]));
            claim.start = 2;
            claim.code[..4].copy_from_slice(&number.to_le_bytes()[..4]);
            socket.expect(claim, REFUSED, NO_SUCH_CODE)?;
        }
        // A folder is a number and nothing more.
        let padded = Request {
            start: 2,
            code: [1; 32],
            ..Request::claim(1, booted.id, code)
        };
        socket.send(&padded.record())?;
        // None of this used up the claim.
        socket.expect(Request::claim(2, booted.id, code).with_layers(code), CLAIMED, 0)?;
        for code in [code, missing] {
            socket.expect(Request::claim(3, booted.id, code), REFUSED, ALREADY_CLAIMED)?;
        }
        socket.kill(booted.id)
    })
}

fn foreign_and_dead_environments_are_refused() -> Outcome {
    play(|socket, directory| {
        let code = directory.unpack("code", &[])?;
        let booted = socket.boot()?;
        socket.kill(booted.id)?;
        socket.expect(Request::claim(1, booted.id, code), REFUSED, NO_SUCH_ENVIRONMENT)?;
        for _ in 0..100 {
            socket.send(&Request::kill(booted.id).record())?;
        }
        let second = socket.boot()?;
        if second.id <= booted.id {
            return Err(format!("number {} was used again", booted.id).into());
        }
        // Two kills, one exit.
        socket.send(&Request::kill(second.id).record())?;
        socket.kill(second.id)
    })
}

fn an_environment_being_made_cannot_be_claimed() -> Outcome {
    play(|socket, directory| {
        let code = directory.unpack("code", &[])?;
        let next = socket.boot()?.id + 1;
        socket.kill(next - 1)?;
        socket.send(&Request::boot(1).record())?;
        socket.send(&Request::claim(2, next, code).record())?;
        let answers = [socket.receive()?, socket.receive()?];
        let early = answers
            .iter()
            .find(|answer| answer.tag == 2)
            .ok_or("the claim was not answered")?;
        if (early.kind, early.reason) != (REFUSED, NO_SUCH_ENVIRONMENT) {
            return Err(format!("{early:?}").into());
        }
        socket.kill(next)?;
        // Nor does killing it before it has started confuse anybody.
        for number in 0..20 {
            socket.send(&Request::boot(number).record())?;
            socket.send(&Request::kill(next + 1 + u64::from(number)).record())?;
            let answer = socket.receive()?;
            match answer.kind {
                REFUSED => {}
                BOOTED => drop(socket.receive()?),
                _ => return Err(format!("{answer:?}").into()),
            }
        }
        Ok(())
    })
}

fn asking_environments_to_end_does_no_more() -> Outcome {
    play(|socket, _| {
        let ended = socket.boot()?;
        socket.kill(ended.id)?;
        let ask = |id: u64| socket.send(&Request::terminate(id).record());
        for id in [0, ended.id, u64::MAX, u64::MAX >> 2, 1 << 62, socket.1.into()] {
            ask(id)?;
        }
        socket.is_served()?;
        let next = socket.boot()?.id + 1;
        socket.kill(next - 1)?;
        // One that is being made has nobody to ask yet.
        socket.send(&Request::boot(1).record())?;
        ask(next)?;
        let booted = socket.receive()?;
        if (booted.kind, booted.id) != (BOOTED, next) {
            return Err(format!("{booted:?}").into());
        }
        // However often, it ends once.
        for _ in 0..1000 {
            ask(next)?;
        }
        let exited = socket.receive()?;
        if (exited.kind, exited.reason, exited.id) != (EXITED, 1, next) {
            return Err(format!("{exited:?}").into());
        }
        socket.is_served()
    })
}

fn sockets_are_those_of_one() -> Outcome {
    play(|socket, directory| {
        let code = directory.unpack("code", &[])?;
        let ended = socket.boot()?;
        socket.kill(ended.id)?;
        let booted = socket.boot()?;
        // One that has no code has nobody who listens.
        for id in [0, ended.id, booted.id, booted.id + 1, u64::MAX, socket.1.into()] {
            socket.expect(Request::socket(1, id), REFUSED, NO_SUCH_ENVIRONMENT)?;
        }
        socket.expect(Request::claim(2, booted.id, code), CLAIMED, 0)?;
        let before = warden_network(socket.1)?;
        let (mut made, mut refused) = (Vec::new(), 0);
        for tag in 0..1000 {
            let answer = socket.ask(Request::socket(tag, booted.id))?;
            match (
                answer.kind,
                answer.reason,
                answer.descriptors.len(),
                answer.tag == tag,
            ) {
                (SOCKET_MADE, 0, 1, true) => {
                    let inode = rustix::fs::fstat(&answer.descriptors[0])?.st_ino;
                    made.push(format!("socket:[{inode}]"));
                }
                (REFUSED, FULL, 0, true) => refused += 1,
                _ => return Err(format!("{answer:?}").into()),
            }
        }
        if made.is_empty() {
            return Err(format!("no socket was made, {refused} refused").into());
        }
        // The warden keeps none of them, and is where it was.
        let (kept, after) = (warden_descriptors(socket.1)?, warden_network(socket.1)?);
        if before != after || kept.iter().any(|open| made.contains(open)) {
            return Err(format!("{before:?} before, {after:?} after, {kept:?} open").into());
        }
        socket.kill(booted.id)?;
        socket.expect(Request::socket(3, booted.id), REFUSED, NO_SUCH_ENVIRONMENT)?;
        Ok(())
    })
}

/// Whether something to freeze an environment comes with it.
fn can_freeze() -> bool {
    tier() == Tier::Sandbox
}

fn freezing_is_freezing_and_keeps_nothing() -> Outcome {
    if !can_freeze() {
        return Ok(());
    }
    play(|socket, directory| {
        let code = directory.unpack("code", &[])?;
        let booted = socket.boot()?;
        let freezer = &booted.descriptors[4];
        // It can be written to, and leads nowhere else.
        let kind = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(freezer)?.st_mode);
        if !kind.is_file() || rustix::io::pread(freezer, &mut [0; 8], 0).is_ok() {
            return Err(format!("it is {kind:?}").into());
        }
        for garbage in [&b"2"[..], b"-1", b"THAWED", b"e1", &[0xff; 5000]] {
            if rustix::io::pwrite(freezer, garbage, 0).is_ok() {
                return Err(format!("{garbage:?} was written").into());
            }
        }
        socket.expect(Request::claim(1, booted.id, code), CLAIMED, 0)?;
        // Whoever writes to it all the time does not hold up the end.
        let deadline = Instant::now() + Duration::from_secs(20);
        std::thread::scope(|scope| {
            let writers = [&b"1"[..], b"0", b"1"].map(|value| {
                scope.spawn(move || {
                    while rustix::io::pwrite(freezer, value, 0).is_ok() && Instant::now() < deadline {}
                })
            });
            let killed = socket.kill(booted.id);
            let gone = writers.into_iter().all(|writer| writer.join().is_ok()) && Instant::now() < deadline;
            killed.and_then(|()| match gone {
                true => Ok(()),
                false => Err("its group can still be written to".into()),
            })
        })?;
        // Nor does it do anything to those that come later.
        let _ = rustix::io::pwrite(freezer, b"1", 0);
        socket.is_served()
    })
}

/// A warden's network namespace.
fn warden_network(warden: u32) -> Result<std::path::PathBuf, Failed> {
    Ok(fs::read_link(format!("/proc/{warden}/ns/net"))?)
}

fn descriptors_sent_along_are_closed() -> Outcome {
    play(|socket, _| {
        let file = File::open("/etc/passwd")?;
        for record in [Request::boot(1).record(), vec![0; 88], vec![9]] {
            let descriptors = [file.as_fd(); 16];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(16))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
            rustix::net::sendmsg(
                socket.0,
                &[IoSlice::new(&record)],
                &mut ancillary,
                SendFlags::empty(),
            )?;
        }
        let booted = socket.receive()?;
        socket.kill(booted.id)?;
        let after = warden_descriptors(socket.1)?;
        if after.iter().any(|path| path.ends_with("/etc/passwd")) {
            return Err(format!("{after:?}").into());
        }
        Ok(())
    })
}

/// What a warden has open.
fn warden_descriptors(warden: u32) -> Result<Vec<String>, Failed> {
    let entries = fs::read_dir(format!("/proc/{warden}/fd"))?.flatten();
    let targets = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    Ok(targets
        .map(|target| target.to_string_lossy().into_owned())
        .collect())
}

fn a_flood_of_boots_ends_at_the_limit() -> Outcome {
    play(|socket, _| {
        let (mut booted, mut refused) = (Vec::new(), 0);
        for tag in 0..500 {
            let answer = socket.ask(Request::boot(tag))?;
            match (answer.kind, answer.reason) {
                (BOOTED, _) => booted.push(answer),
                (REFUSED, FULL) => refused += 1,
                _ => return Err(format!("{answer:?}").into()),
            }
        }
        if booted.len() != USERS.count as usize - 1 || booted.len() + refused != 500 {
            return Err(format!("{} booted, {refused} refused", booted.len()).into());
        }
        for environment in &booted {
            socket.kill(environment.id)?;
        }
        Ok(())
    })
}

fn a_server_that_does_not_listen() -> Outcome {
    play(|socket, _| {
        // Requests whose answers nobody takes, until neither side has room for more.
        let mut sent = 0u32;
        let request = Request {
            runtime: 9,
            ..Request::boot(0)
        }
        .record();
        let deadline = Instant::now() + Duration::from_secs(2);
        while Instant::now() < deadline {
            match rustix::net::send(socket.0, &request, SendFlags::DONTWAIT) {
                Ok(_) => sent += 1,
                Err(rustix::io::Errno::AGAIN) => std::thread::sleep(Duration::from_millis(10)),
                Err(error) => return Err(error.into()),
            }
        }
        for _ in 0..sent {
            let answer = socket.receive()?;
            if (answer.kind, answer.reason) != (REFUSED, 1) {
                return Err(format!("{answer:?}").into());
            }
        }
        Ok(())
    })
}

fn closing_in_the_middle() -> Outcome {
    for delay in [0, 1, 3, 10, 30] {
        let Node {
            directory: _directory,
            warden,
            socket,
            before,
        } = Node::start()?;
        let pid = warden.id();
        for tag in 0..20 {
            Socket(&socket, pid).send(&Request::boot(tag).record())?;
        }
        std::thread::sleep(Duration::from_millis(delay));
        drop(socket);
        let status = warden.wait()?;
        if !status.success() {
            return Err(format!("the warden ended with {status}").into());
        }
        before.compare(pid)?;
    }
    Ok(())
}

fn shutting_down_one_direction() -> Outcome {
    let Node {
        directory: _directory,
        warden,
        socket,
        before,
    } = Node::start()?;
    let pid = warden.id();
    Socket(&socket, pid).boot()?;
    rustix::net::shutdown(&socket, rustix::net::Shutdown::Write)?;
    let status = warden.wait()?;
    if !status.success() || !processes().is_empty() {
        return Err(format!("the warden ended with {status}").into());
    }
    before.compare(pid)
}
