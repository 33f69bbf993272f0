//! The program that hands an environment's TCP connections to the server's socket.
//!
//! The kernel asks it for the socket of every connection that is made in the namespace (`BPF_PROG_TYPE_SK_LOOKUP`,
//! since Linux 5.9), before it looks for one that listens. Connections to 127.0.0.0/8 and ::1 are left to the kernel:
//! they are for what the function listens on itself.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::sys::{self, Instruction};

/// Offsets in what the program is given, `struct bpf_sk_lookup`.
mod offset {
    pub(super) const FAMILY: i16 = 8;
    pub(super) const PROTOCOL: i16 = 12;
    pub(super) const LOCAL_IP4: i16 = 40;
    pub(super) const LOCAL_IP6: [i16; 4] = [44, 48, 52, 56];
}

/// Functions of the kernel's that programs may call.
mod function {
    pub(super) const MAP_LOOKUP_ELEM: i32 = 1;
    pub(super) const SK_RELEASE: i32 = 86;
    pub(super) const SK_ASSIGN: i32 = 124;
}

/// What the program answers.
const DROP: i32 = 0;
const PASS: i32 = 1;

/// Attaches the program to the current namespace, for as long as the result is open.
pub(super) fn attach(listener: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let sockets = sys::socket_map()?;
    sys::put_socket(sockets.as_fd(), listener)?;
    let program = sys::load_socket_lookup(&program(sockets.as_fd()))?;
    let namespace = super::current()?;
    sys::attach_socket_lookup(program.as_fd(), namespace.as_fd())
}

/// Whether this kernel takes the program from this process.
pub(crate) fn is_possible() -> bool {
    let loaded = sys::socket_map().and_then(|sockets| sys::load_socket_lookup(&program(sockets.as_fd())));
    loaded.is_ok()
}

/// A place that jumps lead to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Six,
    Steer,
    Pass,
    End,
}

/// A program that is being written.
#[derive(Default)]
struct Writer {
    written: Vec<Instruction>,
    places: Vec<(Place, usize)>,
    jumps: Vec<(Place, usize)>,
}

impl Writer {
    fn put(&mut self, code: u8, registers: (u8, u8), offset: i16, number: i32) {
        self.written
            .push(Instruction::new(code, registers, offset, number));
    }

    /// The kernel's function of this number, with what is in registers 1 to 5.
    fn call(&mut self, function: i32) {
        self.put(0x85, (0, 0), 0, function);
    }

    /// One register becomes another.
    fn copy(&mut self, to: u8, from: u8) {
        self.put(0xbf, (to, from), 0, 0);
    }

    /// A register becomes a number.
    fn set(&mut self, to: u8, number: i32) {
        self.put(0xb7, (to, 0), 0, number);
    }

    /// Register 2 becomes a field of what the program was given.
    fn load(&mut self, offset: i16) {
        self.put(0x61, (2, CONTEXT), offset, 0);
    }

    fn go(&mut self, place: Place) {
        self.jump(0x05, 0, 0, place);
    }

    fn go_if_equal(&mut self, register: u8, number: i32, place: Place) {
        self.jump(0x15, register, number, place);
    }

    fn go_unless_equal(&mut self, register: u8, number: i32, place: Place) {
        self.jump(0x55, register, number, place);
    }

    fn jump(&mut self, code: u8, register: u8, number: i32, place: Place) {
        self.jumps.push((place, self.written.len()));
        self.put(code, (register, 0), 0, number);
    }

    /// Here is the place.
    fn mark(&mut self, place: Place) {
        self.places.push((place, self.written.len()));
    }

    /// Jumps count from the instruction that follows them.
    fn finish(mut self) -> Vec<Instruction> {
        for (place, from) in self.jumps {
            let marked = self.places.iter().find(|(marked, _)| *marked == place);
            let (_, to) = marked.expect("every place is marked");
            self.written[from].offset = (to - from - 1) as i16;
        }
        self.written
    }
}

/// The register that keeps what the program was given.
const CONTEXT: u8 = 6;
/// The register that keeps the socket.
const SOCKET: u8 = 7;
/// The register that is the end of the program's stack.
const STACK: u8 = 10;

fn program(sockets: BorrowedFd<'_>) -> Vec<Instruction> {
    let mut program = Writer::default();
    program.copy(CONTEXT, 1);
    program.load(offset::PROTOCOL);
    program.go_unless_equal(2, libc::IPPROTO_TCP, Place::Pass);
    program.load(offset::FAMILY);
    program.go_if_equal(2, libc::AF_INET6, Place::Six);
    program.load(offset::LOCAL_IP4);
    // Of the address only the first byte, by which it is loopback's.
    program.put(0x54, (2, 0), 0, network_order([0xff, 0, 0, 0]));
    program.go_if_equal(2, network_order([127, 0, 0, 0]), Place::Pass);
    program.go(Place::Steer);
    program.mark(Place::Six);
    let [upper @ .., last] = offset::LOCAL_IP6;
    for part in upper {
        program.load(part);
        program.go_unless_equal(2, 0, Place::Steer);
    }
    program.load(last);
    program.go_if_equal(2, network_order([0, 0, 0, 1]), Place::Pass);
    program.mark(Place::Steer);
    steer(&mut program, sockets);
    program.mark(Place::Pass);
    program.set(0, PASS);
    program.mark(Place::End);
    program.put(0x95, (0, 0), 0, 0);
    program.finish()
}

/// The socket of the map becomes the connection's. If that fails, there is no connection.
fn steer(program: &mut Writer, sockets: BorrowedFd<'_>) {
    program.put(0x62, (STACK, 0), -4, 0);
    program.copy(2, STACK);
    program.put(0x07, (2, 0), 0, -4);
    let [low, high] = Instruction::map_address(1, sockets);
    program.written.extend([low, high]);
    program.call(function::MAP_LOOKUP_ELEM);
    // The server has closed it.
    program.go_if_equal(0, 0, Place::Pass);
    program.copy(SOCKET, 0);
    program.copy(1, CONTEXT);
    program.copy(2, SOCKET);
    program.set(3, 0);
    program.call(function::SK_ASSIGN);
    program.copy(8, 0);
    program.copy(1, SOCKET);
    program.call(function::SK_RELEASE);
    program.set(0, DROP);
    program.go_unless_equal(8, 0, Place::End);
}

/// A number whose bytes lie in this order in memory.
fn network_order(bytes: [u8; 4]) -> i32 {
    i32::from_ne_bytes(bytes)
}
