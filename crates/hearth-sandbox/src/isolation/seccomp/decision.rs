//! What a filter program decides from the number of a call alone.

use seccompiler::sock_filter;

/// What a program answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// `SECCOMP_RET_*`, whatever the arguments.
    Answer(u32),
    /// It depends on the arguments.
    Arguments,
}

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;

const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const RETURN: u32 = libc::BPF_RET | libc::BPF_K;
const JUMP: u32 = libc::BPF_JMP | libc::BPF_JA;
pub(super) const IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const IF_GREATER: u32 = libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K;
const IF_NOT_LESS: u32 = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;

/// Runs a program for a call of its own architecture. `None` if it has an instruction that is unknown here.
pub(super) fn decide(program: &[sock_filter], number: u32) -> Option<Decision> {
    let architecture = program.get(1)?.k;
    let (mut at, mut loaded) = (0, 0);
    loop {
        let instruction = program.get(at)?;
        let taken = |condition: bool| usize::from(if condition { instruction.jt } else { instruction.jf });
        at += 1 + match u32::from(instruction.code) {
            LOAD => {
                loaded = match instruction.k {
                    NUMBER => number,
                    ARCHITECTURE => architecture,
                    _ => return Some(Decision::Arguments),
                };
                0
            }
            RETURN => return Some(Decision::Answer(instruction.k)),
            JUMP => instruction.k as usize,
            IF_EQUAL => taken(loaded == instruction.k),
            IF_GREATER => taken(loaded > instruction.k),
            IF_NOT_LESS => taken(loaded >= instruction.k),
            _ => return None,
        };
    }
}
