//! The attendant of an environment with extensions, inside its walls; see [`crate::attendant`].

use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::time::Duration;

use hearth_types::Places;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::Access;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, Signal};

use super::privileges;
use crate::attendant::{EXTENSIONS, Notice, Order, is_for_the_runtime};
use crate::sys::{self, Alone};

/// How often the ends of extensions are looked for until the interpreter runs.
const INTERVAL: Duration = Duration::from_millis(10);
/// What a shell answers for a program that cannot be executed.
const CANNOT_EXECUTE: i32 = 127;

/// Starts the extensions, then on order the interpreter, and tells how they end, for as long as the environment lives.
/// `interpreter` becomes it in the process that calls it.
pub(super) fn run(
    alone: &Alone,
    places: &Places,
    control: File,
    variables: &[CString],
    interpreter: impl FnOnce(&mut File),
) -> io::Result<()> {
    let (server, socket) = rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?;
    let (output, extensions_output) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    send(&control, &[0], &[server.as_fd(), output.as_fd()])?;
    drop((server, output));
    let mut attendant = Attendant {
        socket,
        output: Some(extensions_output),
        extensions: Vec::new(),
    };
    attendant.launch_all(alone, &places.of(EXTENSIONS), variables)?;
    // Its end shall be seen when the last extension ends.
    attendant.output = None;
    attendant.wait_for_order()?;
    let runtime = match sys::fork_again(alone)? {
        Some(runtime) => runtime,
        None => become_runtime(control, interpreter),
    };
    // What the interpreter closes shall be closed.
    sys::close_from(3, &[attendant.socket.as_fd()])?;
    std::mem::forget(control);
    if sys::fork_again(alone)?.is_none() {
        let _ = obey(attendant.socket.as_fd(), runtime);
        sys::exit(0);
    }
    attendant.tell_ends(runtime)
}

fn become_runtime(mut control: File, interpreter: impl FnOnce(&mut File)) -> ! {
    // The attendant's death is the interpreter's.
    let _ = privileges::die_with_parent();
    interpreter(&mut control);
    sys::exit(CANNOT_EXECUTE)
}

/// Sends a record, with descriptors.
fn send(socket: impl AsFd, record: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    rustix::net::sendmsg(
        socket,
        &[IoSlice::new(record)],
        &mut ancillary,
        SendFlags::NOSIGNAL,
    )?;
    Ok(())
}

/// Makes a connection inside, where the server has no way, and hands it over.
fn connect(server: BorrowedFd<'_>, port: u16) -> io::Result<()> {
    let made = || {
        let stream = rustix::net::socket_with(
            AddressFamily::INET,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )?;
        rustix::net::connect(&stream, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))?;
        Ok::<_, Errno>(stream)
    };
    match made() {
        Ok(stream) => send(server, &Notice::Connected(0).encode(), &[stream.as_fd()]),
        Err(errno) => send(server, &Notice::Connected(errno.raw_os_error()).encode(), &[]),
    }
}

struct Attendant {
    socket: OwnedFd,
    /// Where extensions print to.
    output: Option<OwnedFd>,
    extensions: Vec<(Pid, Vec<u8>)>,
}

impl Attendant {
    fn launch_all(&mut self, alone: &Alone, directory: &str, variables: &[CString]) -> io::Result<()> {
        let own: Vec<CString> = variables
            .iter()
            .filter(|variable| !is_for_the_runtime(variable.as_bytes()))
            .cloned()
            .collect();
        for name in names(directory) {
            let path = Path::new(directory).join(OsStr::from_bytes(&name));
            let path = CString::new(path.into_os_string().into_vec())?;
            let errno = match rustix::fs::access(path.as_c_str(), Access::EXEC_OK) {
                Err(errno) => errno.raw_os_error(),
                Ok(()) => {
                    match sys::fork_again(alone)? {
                        Some(pid) => self.extensions.push((pid, name.clone())),
                        None => become_extension(&path, &own, self.output.as_ref()),
                    }
                    0
                }
            };
            self.tell(&Notice::Launched(name, errno))?;
        }
        self.tell(&Notice::AllLaunched)
    }

    /// Waits for the order to start the interpreter.
    fn wait_for_order(&self) -> io::Result<()> {
        let mut record = [0; 8];
        let interval = Timespec::try_from(INTERVAL).map_err(io::Error::other)?;
        loop {
            let mut polled = [PollFd::new(&self.socket, PollFlags::IN)];
            match rustix::event::poll(&mut polled, Some(&interval)) {
                Ok(0) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => {
                    let (length, _) = rustix::net::recv(&self.socket, &mut record, RecvFlags::empty())?;
                    match Order::decode(&record[..length]) {
                        Some(Order::Run) => return Ok(()),
                        Some(Order::Terminate) => {}
                        Some(Order::Connect(port)) => connect(self.socket.as_fd(), port)?,
                        None => return Err(io::ErrorKind::UnexpectedEof.into()),
                    }
                }
            }
            while let Ok(Some(ended)) = sys::wait(None, false) {
                self.tell_end(ended.pid, ended.status)?;
            }
        }
    }

    /// Tells of every end. The environment ends when the server wants it to.
    fn tell_ends(&self, runtime: Pid) -> io::Result<()> {
        loop {
            match sys::wait(None, true) {
                Ok(Some(ended)) if ended.pid == runtime.as_raw_nonzero().get() => {
                    self.tell(&Notice::RuntimeExited(ended.status))?;
                }
                Ok(Some(ended)) => self.tell_end(ended.pid, ended.status)?,
                Ok(None) => {}
                // Nothing is left, not even who takes orders: the server has gone.
                Err(error) => return Err(error),
            }
        }
    }

    fn tell_end(&self, pid: i32, status: i32) -> io::Result<()> {
        let mut extensions = self.extensions.iter();
        match extensions.find(|(known, _)| known.as_raw_nonzero().get() == pid) {
            Some((_, name)) => self.tell(&Notice::Exited(name.clone(), status)),
            None => Ok(()),
        }
    }

    fn tell(&self, notice: &Notice) -> io::Result<()> {
        rustix::net::send(&self.socket, &notice.encode(), SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

fn become_extension(path: &CString, variables: &[CString], output: Option<&OwnedFd>) -> ! {
    let _ = privileges::die_with_parent();
    let _ = rustix::process::setsid();
    for number in [1, 2] {
        if let Some(output) = output {
            let _ = sys::place(output.as_fd(), number);
        }
    }
    // The control socket is not an extension's.
    let _ = sys::close_from(3, &[]);
    let _ = rustix::process::chdir("/");
    sys::execute(path, std::slice::from_ref(path), variables);
    sys::exit(CANNOT_EXECUTE)
}

/// The names of the extensions, sorted.
fn names(directory: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<Vec<u8>> = entries
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().into_vec())
        .collect();
    names.sort();
    names
}

/// Takes orders while the interpreter runs.
fn obey(socket: BorrowedFd<'_>, runtime: Pid) -> io::Result<()> {
    privileges::die_with_parent()?;
    let mut record = [0; 8];
    loop {
        let (length, _) = rustix::net::recv(socket, &mut record, RecvFlags::empty())?;
        match Order::decode(&record[..length]) {
            Some(Order::Terminate) => {
                // It may have ended already.
                let _ = rustix::process::kill_process(runtime, Signal::TERM);
            }
            Some(Order::Connect(port)) => connect(socket, port)?,
            Some(Order::Run) => {}
            None => return Ok(()),
        }
    }
}
