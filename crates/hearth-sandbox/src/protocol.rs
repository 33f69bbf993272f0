//! The records between server and warden: one per packet, of fixed size, numbers only.
//!
//! A request carries no path, user, argument or mount option, so a server that was taken over has nothing to
//! smuggle. All numbers are little-endian; bytes a record does not use are zero, and a record that differs
//! from what [`Request::encode`] would have written is not a request.

use std::time::Duration;

use hearth_types::{CodeHash, EnvironmentId};

use crate::{Code, Exit, ExitStatus, FolderIndex, Reach, RuntimeIndex, Start};

/// Size of a request, in bytes.
pub(crate) const REQUEST_SIZE: usize = 88;
/// Size of an answer, in bytes.
pub(crate) const ANSWER_SIZE: usize = 40;

/// What the server asks for. A tag comes back with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Boot {
        tag: u32,
        runtime: RuntimeIndex,
        start: Start,
        memory_mb: u32,
    },
    Claim {
        tag: u32,
        id: EnvironmentId,
        code: Code,
        layers: Option<CodeHash>,
        memory_mb: u32,
        ephemeral_mb: u32,
    },
    Socket {
        tag: u32,
        id: EnvironmentId,
    },
    Terminate {
        id: EnvironmentId,
    },
    Kill {
        id: EnvironmentId,
    },
}

/// What the warden says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Comes with up to [`BOOTED_DESCRIPTORS`] descriptors: control, output, group memory, process status, what
    /// freezes it if it can be frozen, and the sockets of [`crate::Listener`] in order.
    Booted {
        tag: u32,
        id: EnvironmentId,
        reach: Reach,
        freezes: bool,
    },
    Claimed {
        tag: u32,
    },
    /// Comes with the socket.
    Socket {
        tag: u32,
    },
    Refused {
        tag: u32,
        refusal: Refusal,
    },
    Exited {
        id: EnvironmentId,
        exit: Exit,
    },
}

/// How many descriptors come with [`Answer::Booted`] at most.
pub(crate) const BOOTED_DESCRIPTORS: usize = 8;

/// Why the warden did not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoSuchRuntime,
    NoSuchCode,
    NoSuchEnvironment,
    AlreadyClaimed,
    Full,
    /// The kernel's error number.
    Setup(i32),
}

const BOOT: u8 = 1;
const CLAIM: u8 = 2;
const KILL: u8 = 3;
const TERMINATE: u8 = 4;
const SOCKET: u8 = 5;

impl Request {
    /// The record.
    pub(crate) fn encode(&self) -> [u8; REQUEST_SIZE] {
        let mut record = [0; REQUEST_SIZE];
        match *self {
            Self::Boot {
                tag,
                runtime,
                start,
                memory_mb,
            } => {
                record[0] = BOOT;
                record[1] = u8::from(start == Start::Deferred);
                put(&mut record, 2, runtime.0.to_le_bytes());
                put(&mut record, 4, tag.to_le_bytes());
                put(&mut record, 16, memory_mb.to_le_bytes());
            }
            Self::Claim {
                tag,
                id,
                code,
                layers,
                memory_mb,
                ephemeral_mb,
            } => {
                record[0] = CLAIM;
                record[1] = u8::from(layers.is_some()) | (u8::from(matches!(code, Code::Folder(_))) << 1);
                put(&mut record, 4, tag.to_le_bytes());
                put(&mut record, 8, id.0.to_le_bytes());
                put(&mut record, 16, memory_mb.to_le_bytes());
                put(&mut record, 20, ephemeral_mb.to_le_bytes());
                match code {
                    Code::Package(hash) => put(&mut record, 24, *hash.as_bytes()),
                    Code::Folder(folder) => put(&mut record, 24, folder.0.to_le_bytes()),
                }
                if let Some(layers) = layers {
                    put(&mut record, 56, *layers.as_bytes());
                }
            }
            Self::Socket { tag, id } => {
                record[0] = SOCKET;
                put(&mut record, 4, tag.to_le_bytes());
                put(&mut record, 8, id.0.to_le_bytes());
            }
            Self::Terminate { id } => {
                record[0] = TERMINATE;
                put(&mut record, 8, id.0.to_le_bytes());
            }
            Self::Kill { id } => {
                record[0] = KILL;
                put(&mut record, 8, id.0.to_le_bytes());
            }
        }
        record
    }

    /// Reads a record. `None` for anything that is not exactly a request.
    pub(crate) fn decode(record: &[u8]) -> Option<Self> {
        let record: &[u8; REQUEST_SIZE] = record.try_into().ok()?;
        let tag = u32::from_le_bytes(get(record, 4));
        let id = EnvironmentId(u64::from_le_bytes(get(record, 8)));
        let memory_mb = u32::from_le_bytes(get(record, 16));
        let request = match record[0] {
            BOOT => {
                let start = if record[1] == 0 {
                    Start::Ready
                } else {
                    Start::Deferred
                };
                Self::Boot {
                    tag,
                    runtime: RuntimeIndex(u16::from_le_bytes(get(record, 2))),
                    start,
                    memory_mb,
                }
            }
            CLAIM => {
                let ephemeral_mb = u32::from_le_bytes(get(record, 20));
                let code = match record[1] & 2 {
                    0 => Code::Package(CodeHash::from_bytes(get(record, 24))),
                    _ => Code::Folder(FolderIndex(u32::from_le_bytes(get(record, 24)))),
                };
                let layers = (record[1] & 1 != 0).then(|| CodeHash::from_bytes(get(record, 56)));
                Self::Claim {
                    tag,
                    id,
                    code,
                    layers,
                    memory_mb,
                    ephemeral_mb,
                }
            }
            SOCKET => Self::Socket { tag, id },
            TERMINATE => Self::Terminate { id },
            KILL => Self::Kill { id },
            _ => return None,
        };
        (request.encode() == *record).then_some(request)
    }
}

const BOOTED: u8 = 1;
const CLAIMED: u8 = 2;
const REFUSED: u8 = 3;
const EXITED: u8 = 4;
const SOCKET_MADE: u8 = 5;

impl Answer {
    /// The record.
    pub(crate) fn encode(&self) -> [u8; ANSWER_SIZE] {
        let mut record = [0; ANSWER_SIZE];
        match *self {
            Self::Booted {
                tag,
                id,
                reach,
                freezes,
            } => {
                record[0] = BOOTED;
                record[3] = u8::from(freezes);
                record[2] = reach.to_number();
                put(&mut record, 4, tag.to_le_bytes());
                put(&mut record, 8, id.0.to_le_bytes());
            }
            Self::Claimed { tag } => {
                record[0] = CLAIMED;
                put(&mut record, 4, tag.to_le_bytes());
            }
            Self::Socket { tag } => {
                record[0] = SOCKET_MADE;
                put(&mut record, 4, tag.to_le_bytes());
            }
            Self::Refused { tag, refusal } => {
                record[0] = REFUSED;
                let (reason, errno) = refusal.to_numbers();
                record[1] = reason;
                put(&mut record, 4, tag.to_le_bytes());
                put(&mut record, 16, errno.to_le_bytes());
            }
            Self::Exited { id, exit } => {
                record[0] = EXITED;
                let (signalled, number) = match exit.status {
                    ExitStatus::Code(code) => (0, code),
                    ExitStatus::Signal(signal) => (1, signal),
                };
                record[1] = signalled;
                record[2] = u8::from(exit.out_of_memory);
                put(&mut record, 8, id.0.to_le_bytes());
                put(&mut record, 16, number.to_le_bytes());
                put(&mut record, 24, exit.peak_memory_bytes.to_le_bytes());
                put(&mut record, 32, (exit.cpu.as_nanos() as u64).to_le_bytes());
            }
        }
        record
    }

    /// Reads a record. `None` for anything that is not an answer.
    pub(crate) fn decode(record: &[u8]) -> Option<Self> {
        let record: &[u8; ANSWER_SIZE] = record.try_into().ok()?;
        let tag = u32::from_le_bytes(get(record, 4));
        let id = EnvironmentId(u64::from_le_bytes(get(record, 8)));
        let number = i32::from_le_bytes(get(record, 16));
        Some(match record[0] {
            BOOTED => Self::Booted {
                tag,
                id,
                reach: Reach::from_number(record[2])?,
                freezes: record[3] != 0,
            },
            CLAIMED => Self::Claimed { tag },
            SOCKET_MADE => Self::Socket { tag },
            REFUSED => Self::Refused {
                tag,
                refusal: Refusal::from_numbers(record[1], number)?,
            },
            EXITED => {
                let status = if record[1] == 0 {
                    ExitStatus::Code(number)
                } else {
                    ExitStatus::Signal(number)
                };
                let exit = Exit {
                    status,
                    out_of_memory: record[2] != 0,
                    peak_memory_bytes: u64::from_le_bytes(get(record, 24)),
                    cpu: Duration::from_nanos(u64::from_le_bytes(get(record, 32))),
                };
                Self::Exited { id, exit }
            }
            _ => return None,
        })
    }
}

impl Reach {
    fn to_number(self) -> u8 {
        match self {
            Self::Hearth => 0,
            Self::Everything => 1,
            Self::Host => 2,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        [Self::Hearth, Self::Everything, Self::Host]
            .into_iter()
            .find(|reach| reach.to_number() == number)
    }
}

impl Refusal {
    fn to_numbers(self) -> (u8, i32) {
        match self {
            Self::NoSuchRuntime => (1, 0),
            Self::NoSuchCode => (2, 0),
            Self::NoSuchEnvironment => (3, 0),
            Self::AlreadyClaimed => (4, 0),
            Self::Full => (5, 0),
            Self::Setup(errno) => (6, errno),
        }
    }

    fn from_numbers(reason: u8, errno: i32) -> Option<Self> {
        Some(match reason {
            1 => Self::NoSuchRuntime,
            2 => Self::NoSuchCode,
            3 => Self::NoSuchEnvironment,
            4 => Self::AlreadyClaimed,
            5 => Self::Full,
            6 => Self::Setup(errno),
            _ => return None,
        })
    }
}

fn put<const N: usize>(record: &mut [u8], at: usize, bytes: [u8; N]) {
    record[at..at + N].copy_from_slice(&bytes);
}

fn get<const N: usize>(record: &[u8], at: usize) -> [u8; N] {
    record[at..at + N]
        .try_into()
        .expect("a field lies within its record")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request() -> impl Strategy<Value = Request> {
        prop_oneof![
            any::<(u32, u16, bool, u32)>().prop_map(|(tag, runtime, deferred, memory_mb)| {
                let start = if deferred { Start::Deferred } else { Start::Ready };
                Request::Boot {
                    tag,
                    runtime: RuntimeIndex(runtime),
                    start,
                    memory_mb,
                }
            }),
            (any::<(u32, u64, Option<[u8; 32]>, u32, u32)>(), code()).prop_map(
                |((tag, id, layers, memory_mb, ephemeral_mb), code)| Request::Claim {
                    tag,
                    id: EnvironmentId(id),
                    code,
                    layers: layers.map(CodeHash::from_bytes),
                    memory_mb,
                    ephemeral_mb,
                }
            ),
            any::<(u32, u64)>().prop_map(|(tag, id)| Request::Socket {
                tag,
                id: EnvironmentId(id)
            }),
            any::<u64>().prop_map(|id| Request::Terminate {
                id: EnvironmentId(id)
            }),
            any::<u64>().prop_map(|id| Request::Kill {
                id: EnvironmentId(id)
            }),
        ]
    }

    fn code() -> impl Strategy<Value = Code> {
        prop_oneof![
            any::<[u8; 32]>().prop_map(|hash| Code::Package(CodeHash::from_bytes(hash))),
            any::<u32>().prop_map(|number| Code::Folder(FolderIndex(number))),
        ]
    }

    fn answer() -> impl Strategy<Value = Answer> {
        let refusal = prop_oneof![
            Just(Refusal::NoSuchRuntime),
            Just(Refusal::NoSuchCode),
            Just(Refusal::NoSuchEnvironment),
            Just(Refusal::AlreadyClaimed),
            Just(Refusal::Full),
            any::<i32>().prop_map(Refusal::Setup),
        ];
        let exit =
            any::<(bool, i32, bool, u64, u64)>().prop_map(|(signalled, number, oom, peak, cpu)| Exit {
                status: if signalled {
                    ExitStatus::Signal(number)
                } else {
                    ExitStatus::Code(number)
                },
                out_of_memory: oom,
                peak_memory_bytes: peak,
                cpu: Duration::from_nanos(cpu),
            });
        prop_oneof![
            (any::<(u32, u64, bool)>(), 0u8..3).prop_map(|((tag, id, freezes), reach)| Answer::Booted {
                tag,
                id: EnvironmentId(id),
                reach: Reach::from_number(reach).unwrap(),
                freezes,
            }),
            any::<u32>().prop_map(|tag| Answer::Claimed { tag }),
            any::<u32>().prop_map(|tag| Answer::Socket { tag }),
            (any::<u32>(), refusal).prop_map(|(tag, refusal)| Answer::Refused { tag, refusal }),
            (any::<u64>(), exit).prop_map(|(id, exit)| Answer::Exited {
                id: EnvironmentId(id),
                exit
            }),
        ]
    }

    proptest! {
        #[test]
        fn requests_round_trip(request in request()) {
            prop_assert_eq!(Request::decode(&request.encode()), Some(request));
        }

        #[test]
        fn answers_round_trip(answer in answer()) {
            prop_assert_eq!(Answer::decode(&answer.encode()), Some(answer));
        }

        #[test]
        fn what_decodes_is_exactly_a_request(
            kind in 0u8..7, rest in prop::collection::vec(any::<u8>(), REQUEST_SIZE - 1), quiet in any::<bool>()
        ) {
            let mut record = vec![kind];
            record.extend(rest.iter().map(|byte| if quiet { byte & 1 } else { *byte }));
            if let Some(request) = Request::decode(&record) {
                prop_assert_eq!(&request.encode()[..], &record[..]);
            }
        }

        #[test]
        fn one_wrong_byte_is_no_request_or_another(request in request(), at in 0..REQUEST_SIZE, with in 1u8..) {
            let mut record = request.encode();
            record[at] ^= with;
            prop_assert_ne!(Request::decode(&record), Some(request));
        }

        #[test]
        fn garbage_never_panics(record in prop::collection::vec(any::<u8>(), 0..100)) {
            Request::decode(&record);
            Answer::decode(&record);
        }
    }
}
