//! The system calls no dependency wraps safely. All unsafe code of the project is in this file.

use std::ffi::{CStr, CString};
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use rustix::thread::UnshareFlags;

fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Proof that the process had one thread: what may fork without an exec, since in the child of a process with
/// more threads any lock may be taken for ever.
pub(crate) struct Alone(PhantomData<*const ()>);

impl Alone {
    /// Fails where the process has other threads.
    pub(crate) fn confirm() -> io::Result<Self> {
        match std::fs::read_dir("/proc/self/task")?.count() {
            1 => Ok(Self(PhantomData)),
            _ => Err(io::Error::other("the process has more than one thread")),
        }
    }
}

/// The two sides of a fork.
pub(crate) enum Forked {
    /// In the parent: the child's number, and a descriptor that names it for as long as it is open.
    Parent(Pid, OwnedFd),
    /// In the child.
    Child,
}

/// Forks into new namespaces (`CLONE_NEW*` flags), with cgroup v2 directly into a group.
pub(crate) fn fork(_: &Alone, flags: libc::c_int, group: Option<BorrowedFd<'_>>) -> io::Result<Forked> {
    fork_with(flags, group)
}

/// Forks once more in a confined process, whose filter knows only the older call; the child's number in the parent.
/// Nothing names the child but that number, so whoever waits for it must be the parent.
pub(crate) fn fork_again(_: &Alone) -> io::Result<Option<Pid>> {
    // SAFETY: there is one thread, so the child finds no lock taken.
    let pid = check(unsafe { libc::fork() }.into())?;
    Ok(Pid::from_raw(pid as i32))
}

/// The same without proof: in a process with more than one thread the child may make system calls only.
fn fork_with(flags: libc::c_int, group: Option<BorrowedFd<'_>>) -> io::Result<Forked> {
    const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
    let mut pidfd: RawFd = -1;
    // SAFETY: the structure holds only integers, for which zero is a value.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = flags as u64 | libc::CLONE_PIDFD as u64;
    args.pidfd = &raw mut pidfd as u64;
    args.exit_signal = libc::SIGCHLD as u64;
    if let Some(group) = group {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = group.as_raw_fd() as u64;
    }
    // SAFETY: without CLONE_VM and a stack of its own the call is a fork: the child goes on with a copy of
    // this memory. That no other thread held a lock then, or that it does not matter, is the callers'
    // concern. `pidfd` outlives the call.
    let cloned = check(unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of_val(&args)) });
    let pid = match cloned {
        // So answer the filters of containers, which cannot see its flags.
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) && group.is_none() => {
            let flags = args.flags | libc::SIGCHLD as u64;
            // SAFETY: as above. The older call has its arguments in registers, the same first three everywhere: flags,
            // no stack, and where the descriptor goes.
            check(unsafe { libc::syscall(libc::SYS_clone, flags, 0, &raw mut pidfd, 0, 0) })?
        }
        other => other?,
    };
    match Pid::from_raw(pid as i32) {
        // SAFETY: the kernel has just opened this descriptor for us, and nothing else owns it.
        Some(pid) => Ok(Forked::Parent(pid, unsafe { OwnedFd::from_raw_fd(pidfd) })),
        None => Ok(Forked::Child),
    }
}

/// Starts a program in new namespaces (`CLONE_NEW*` flags) and a process group of its own, with `input` as its
/// standard input and `inherited` under the numbers they have here. Other threads may run.
pub(crate) fn spawn(
    namespaces: libc::c_int,
    program: &CStr,
    arguments: &[CString],
    environment: &[CString],
    input: BorrowedFd<'_>,
    inherited: &[RawFd],
) -> io::Result<(Pid, OwnedFd)> {
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // The exec closes it; what is read from it is why there was none.
    let (failure, report) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let forked = fork_with(namespaces, None)?;
    let Forked::Parent(pid, process) = forked else {
        // SAFETY: this is the child of a process that may have other threads: up to the exec it makes system
        // calls only, with memory that was prepared before. The descriptors are open, and the lists are as
        // `execve` wants them.
        unsafe {
            libc::setpgid(0, 0);
            libc::dup2(input.as_raw_fd(), 0);
            for descriptor in [0].iter().chain(inherited) {
                libc::fcntl(*descriptor, libc::F_SETFD, 0);
            }
            libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr());
            let error = (*libc::__errno_location()).to_ne_bytes();
            libc::write(report.as_raw_fd(), error.as_ptr().cast(), error.len());
            libc::_exit(127)
        }
    };
    drop(report);
    let mut error = [0; 4];
    if rustix::io::read(&failure, &mut error)? > 0 {
        wait(Some(pid), true)?;
        return Err(io::Error::from_raw_os_error(i32::from_ne_bytes(error)));
    }
    Ok((pid, process))
}

/// Pointers to texts, ended by a null pointer. Valid as long as the texts are.
fn pointers(texts: &[CString]) -> Vec<*const libc::c_char> {
    texts
        .iter()
        .map(|text| text.as_ptr())
        .chain([ptr::null()])
        .collect()
}

/// Leaves namespaces of the parent for new ones.
pub(crate) fn unshare(namespaces: UnshareFlags) -> io::Result<()> {
    assert!(
        !namespaces.contains(UnshareFlags::FILES),
        "descriptors stay shared between threads"
    );
    // SAFETY: only unsharing the descriptor table can break what other code relies on.
    Ok(unsafe { rustix::thread::unshare_unsafe(namespaces) }?)
}

/// Attributes of a mount (`MOUNT_ATTR_*`), and a user namespace that translates its owners.
pub(crate) fn mount_setattr(
    mount: BorrowedFd<'_>,
    recursive: bool,
    attributes: u64,
    owners: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    const MOUNT_ATTR_IDMAP: u64 = 0x10_0000;
    // `struct mount_attr`: set, clear, propagation, user namespace.
    let mut request = [attributes, 0, libc::MS_PRIVATE, 0];
    if let Some(namespace) = owners {
        request[0] |= MOUNT_ATTR_IDMAP;
        request[3] = namespace.as_raw_fd() as u64;
    }
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is empty and ended, and the structure is four 64-bit numbers of the size given.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            request.as_ptr(),
            size_of_val(&request),
        )
    })?;
    Ok(())
}

/// Brings the loopback interface of the current network namespace up.
pub(crate) fn raise_loopback(socket: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the structure holds integers and a union of them, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as libc::c_char;
    request.ifr_name[1] = b'o' as libc::c_char;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: this request reads one `ifreq`, whose name is ended by a NUL.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) }.into())?;
    Ok(())
}

/// Lets a listening socket take connections that were made to other addresses.
pub(crate) fn be_transparent(socket: BorrowedFd<'_>) -> io::Result<()> {
    let on: libc::c_int = 1;
    let size = size_of_val(&on) as libc::socklen_t;
    let (number, value) = (socket.as_raw_fd(), (&raw const on).cast());
    // SAFETY: the option, which is one of both families, is an integer of the size given.
    let set = unsafe { libc::setsockopt(number, libc::SOL_IP, libc::IP_TRANSPARENT, value, size) };
    check(set.into())?;
    Ok(())
}

/// The signals that ask a process to end.
const ENDING: [Signal; 3] = [Signal::TERM, Signal::INT, Signal::HUP];

/// Ignores the signals that ask a process to end, for good.
pub(crate) fn ignore_ending_signals() {
    for signal in ENDING {
        // SAFETY: ignoring a signal installs no handler.
        unsafe { libc::signal(signal.as_raw(), libc::SIG_IGN) };
    }
}

/// Lets the signals through that the launcher has blocked to receive them: an exec changes nothing about
/// that.
pub(crate) fn unblock_signals() {
    // SAFETY: a signal set holds integers, and `sigemptyset` gives it its value.
    let mut none: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: both calls read or write the local set only.
    unsafe {
        libc::sigemptyset(&raw mut none);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
}

/// Gives the next program the signals of a fresh process: the warden ignores some, Rust's runtime one.
pub(crate) fn default_signals() {
    for signal in ENDING.into_iter().chain([Signal::PIPE]) {
        // SAFETY: restoring a default installs no handler.
        unsafe { libc::signal(signal.as_raw(), libc::SIG_DFL) };
    }
    unblock_signals();
}

/// Becomes another program. Returns only to say why it did not.
pub(crate) fn execute(path: &CStr, arguments: &[CString], environment: &[CString]) -> io::Error {
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: all three are NUL-terminated, the lists by a null pointer, and live until the call returns.
    unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Closes every descriptor from `first` on but those in `kept`, in a forked child that uses no other any
/// more.
pub(crate) fn close_from(first: RawFd, kept: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut kept: Vec<RawFd> = kept
        .iter()
        .map(|kept| kept.as_raw_fd())
        .filter(|kept| *kept >= first)
        .collect();
    kept.sort_unstable();
    let mut next = first;
    for last in kept.into_iter().map(Some).chain([None]) {
        let end = last.map_or(RawFd::MAX, |kept| kept - 1);
        if next <= end {
            // SAFETY: the caller never touches nor drops what it inherited; it ends by exec or `exit`.
            check(unsafe { libc::syscall(libc::SYS_close_range, next, end, 0) })?;
        }
        next = end.saturating_add(2);
    }
    Ok(())
}

/// Ends a forked child at once: nothing is dropped, flushed or run that belongs to the parent.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) }
}

/// Makes a descriptor number stand for what another descriptor does, across an exec.
pub(crate) fn place(descriptor: BorrowedFd<'_>, number: RawFd) -> io::Result<()> {
    assert!(
        descriptor.as_raw_fd() != number,
        "a descriptor that stands there already would be closed by exec"
    );
    // SAFETY: whatever had this number is closed; in a forked child nobody uses that any more.
    check(unsafe { libc::dup2(descriptor.as_raw_fd(), number) }.into())?;
    Ok(())
}

/// What `wait4` says of a child that has ended.
pub(crate) struct Ended {
    /// The number of the child.
    pub(crate) pid: i32,
    /// The raw wait status.
    pub(crate) status: i32,
    /// The child's peak resident set, in bytes.
    pub(crate) peak_bytes: u64,
    /// CPU time of the child and of all below it that were waited for.
    pub(crate) cpu: Duration,
}

/// Waits for a child: for `pid`, or for any. `Ok(None)` if it still runs and `block` is not set.
pub(crate) fn wait(pid: Option<Pid>, block: bool) -> io::Result<Option<Ended>> {
    // SAFETY: the structure holds only integers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let mut status = 0;
    let flags = libc::__WALL | if block { 0 } else { libc::WNOHANG };
    let number = pid.map_or(-1, |pid| pid.as_raw_nonzero().get());
    let pid = loop {
        // SAFETY: both results are written to locals of the right type.
        match check(unsafe { libc::wait4(number, &raw mut status, flags, &raw mut usage) }.into()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other? as i32,
        }
    };
    let time = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    Ok((pid != 0).then(|| Ended {
        pid,
        status,
        peak_bytes: usage.ru_maxrss as u64 * 1024,
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
    }))
}

/// Takes ownership of a descriptor whose number the parent process handed over.
///
/// Fails where no such descriptor is open. Each number may be adopted once, before anything else is opened.
pub(crate) fn adopt(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_SETFD changes nothing but one flag, and fails for a number that is not open.
    check(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) }.into())?;
    // SAFETY: the descriptor is open, and the launcher's record names each number for one owner.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Signals that are waited for instead of handled.
pub(crate) struct Awaited(libc::sigset_t);

impl Awaited {
    /// Blocks the signals in this thread and those it starts.
    pub(crate) fn block(signals: &[Signal]) -> io::Result<Self> {
        // SAFETY: a signal set holds integers, and `sigemptyset` gives it its value.
        let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: the calls read or write the local set only.
        unsafe {
            libc::sigemptyset(&raw mut set);
            for signal in signals {
                libc::sigaddset(&raw mut set, signal.as_raw());
            }
            match libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) {
                0 => Ok(Self(set)),
                error => Err(io::Error::from_raw_os_error(error)),
            }
        }
    }

    /// Waits until one comes, or takes one that has come.
    pub(crate) fn wait(&self) -> io::Result<Signal> {
        loop {
            // SAFETY: the set is one, and where to say more about the signal may be missing.
            match check(unsafe { libc::sigwaitinfo(&raw const self.0, ptr::null_mut()) }.into()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                signal => {
                    let named = Signal::from_named_raw(signal? as i32);
                    return named.ok_or_else(|| io::ErrorKind::InvalidData.into());
                }
            }
        }
    }
}

/// SIGTERM, SIGINT and SIGHUP, received by reading instead of by a handler.
#[derive(Debug)]
pub(crate) struct Signals(OwnedFd);

impl Signals {
    /// Blocks the signals in this thread and those it starts.
    pub(crate) fn block() -> io::Result<Self> {
        Self::receive(Awaited::block(&ENDING)?)
    }

    fn receive(Awaited(set): Awaited) -> io::Result<Self> {
        // SAFETY: the call reads the local set only.
        let descriptor =
            unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        check(descriptor.into())?;
        // SAFETY: the kernel has just opened this descriptor for us, and nothing else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    /// Takes a signal, if one has come.
    pub(crate) fn take(&self) -> io::Result<bool> {
        match rustix::io::read(&self.0, &mut [0; size_of::<libc::signalfd_siginfo>()]) {
            Err(rustix::io::Errno::AGAIN) => Ok(false),
            other => Ok(other? > 0),
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// SIGCHLD, received by reading: a child has ended.
#[derive(Debug)]
pub(crate) struct ChildSignals(Signals);

impl ChildSignals {
    /// Blocks the signal in this thread and those it starts.
    pub(crate) fn block() -> io::Result<Self> {
        Signals::receive(Awaited::block(&[Signal::CHILD])?).map(Self)
    }

    /// Takes those that have come.
    pub(crate) fn take(&self) -> io::Result<()> {
        while self.0.take()? {}
        Ok(())
    }
}

impl AsFd for ChildSignals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The kernel's Landlock version, if it has Landlock.
pub(crate) fn landlock_version() -> Option<u32> {
    const LANDLOCK_CREATE_RULESET_VERSION: u32 = 1;
    // SAFETY: with this flag the call reads no memory.
    let version = check(unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            ptr::null::<libc::c_void>(),
            0usize,
            LANDLOCK_CREATE_RULESET_VERSION,
        )
    });
    version.ok().map(|version| version as u32)
}

/// An instruction of a program for the kernel, `struct bpf_insn`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Instruction {
    code: u8,
    registers: u8,
    pub(crate) offset: i16,
    number: i32,
}

impl Instruction {
    /// An instruction with its destination and source registers.
    pub(crate) fn new(code: u8, (to, from): (u8, u8), offset: i16, number: i32) -> Self {
        let registers = if cfg!(target_endian = "little") {
            from << 4 | to
        } else {
            to << 4 | from
        };
        Self {
            code,
            registers,
            offset,
            number,
        }
    }

    /// The two that load the address of a map into a register.
    pub(crate) fn map_address(to: u8, map: BorrowedFd<'_>) -> [Self; 2] {
        const BPF_PSEUDO_MAP_FD: u8 = 1;
        [
            Self::new(0x18, (to, BPF_PSEUDO_MAP_FD), 0, map.as_raw_fd()),
            Self::new(0, (0, 0), 0, 0),
        ]
    }
}

/// The part of `union bpf_attr` for BPF_PROG_LOAD.
#[repr(C)]
struct ProgramAttributes {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    attach_type: u32,
}

/// What a socket lookup program is attached as.
const BPF_SK_LOOKUP: u32 = 36;

/// A map with room for one socket, under the key 0.
pub(crate) fn socket_map() -> io::Result<OwnedFd> {
    const BPF_MAP_CREATE: libc::c_int = 0;
    const BPF_MAP_TYPE_SOCKMAP: u32 = 15;
    // Type, sizes of key and value in bytes, entries, flags.
    let attributes: [u32; 5] = [BPF_MAP_TYPE_SOCKMAP, 4, 8, 1, 0];
    // SAFETY: the attributes are numbers; this command opens a descriptor.
    unsafe { bpf_open(BPF_MAP_CREATE, &attributes) }
}

/// Puts a socket into such a map.
pub(crate) fn put_socket(map: BorrowedFd<'_>, socket: BorrowedFd<'_>) -> io::Result<()> {
    const BPF_MAP_UPDATE_ELEM: libc::c_int = 2;
    let (key, value) = (0u32, socket.as_raw_fd() as u64);
    let attributes = [
        map.as_raw_fd() as u64,
        &raw const key as u64,
        &raw const value as u64,
        0,
    ];
    // SAFETY: key and value have the sizes the map was made with, and outlive the call.
    unsafe { bpf(BPF_MAP_UPDATE_ELEM, &attributes) }?;
    Ok(())
}

/// Has the kernel check and take a socket lookup program.
pub(crate) fn load_socket_lookup(program: &[Instruction]) -> io::Result<OwnedFd> {
    const BPF_PROG_LOAD: libc::c_int = 5;
    const BPF_PROG_TYPE_SK_LOOKUP: u32 = 30;
    let attributes = ProgramAttributes {
        kind: BPF_PROG_TYPE_SK_LOOKUP,
        count: program.len() as u32,
        instructions: program.as_ptr() as u64,
        license: c"Apache-2.0".as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
        name: *b"hearth_steering\0",
        interface: 0,
        attach_type: BPF_SK_LOOKUP,
    };
    // SAFETY: the instructions are as many as said, the license ends in a NUL, and both outlive the call, which opens
    // a descriptor. The kernel verifies the program before it takes it.
    unsafe { bpf_open(BPF_PROG_LOAD, &attributes) }
}

/// Attaches such a program to a network namespace, for as long as the result is open.
pub(crate) fn attach_socket_lookup(
    program: BorrowedFd<'_>,
    namespace: BorrowedFd<'_>,
) -> io::Result<OwnedFd> {
    const BPF_LINK_CREATE: libc::c_int = 28;
    let attributes = [
        program.as_raw_fd() as u32,
        namespace.as_raw_fd() as u32,
        BPF_SK_LOOKUP,
        0,
    ];
    // SAFETY: the attributes are numbers; this command opens a descriptor.
    unsafe { bpf_open(BPF_LINK_CREATE, &attributes) }
}

/// Calls bpf(2) with a command that opens a descriptor, which is closed on exec.
///
/// # Safety
/// As [`bpf`]; and the command must open a descriptor.
unsafe fn bpf_open<T>(command: libc::c_int, attributes: &T) -> io::Result<OwnedFd> {
    // SAFETY: the caller's.
    let descriptor = unsafe { bpf(command, attributes) }?;
    // SAFETY: the kernel has just opened this descriptor for us, and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor as RawFd) })
}

/// Calls bpf(2).
///
/// # Safety
/// The attributes must be those of the command, and what they point to valid during the call.
unsafe fn bpf<T>(command: libc::c_int, attributes: &T) -> io::Result<libc::c_long> {
    // SAFETY: the kernel reads as many bytes as the attributes have, and takes the rest for zero.
    check(unsafe { libc::syscall(libc::SYS_bpf, command, ptr::from_ref(attributes), size_of::<T>()) })
}
