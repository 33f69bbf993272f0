//! What server and attendant tell each other.
//!
//! An environment whose layers bring extensions has an attendant: the process that would have become the interpreter
//! stays, starts the extensions, then the interpreter, and tells how each of them ends. It is confined like them and
//! the server speaks to it directly; the warden does not know of it. Its socket comes over the control socket when
//! the environment block has been read.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Where executables are extensions, by the name AWS gives it.
pub const EXTENSIONS: &str = "/opt/extensions";

/// The largest record, in bytes: a kind, a number, a file name.
pub const LARGEST_NOTICE: usize = 5 + 255;

/// What an attendant tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An extension was started; or not, with the error number.
    Launched(Vec<u8>, i32),
    /// There are no more extensions.
    AllLaunched,
    /// An extension has ended with this wait status.
    Exited(Vec<u8>, i32),
    /// The interpreter has ended with this wait status.
    RuntimeExited(i32),
    /// A connection was made, which comes with it; or not, with the error number.
    Connected(i32),
}

impl Notice {
    /// The record.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, number, name) = match self {
            Self::Launched(name, errno) => (1, *errno, &name[..]),
            Self::AllLaunched => (2, 0, &[][..]),
            Self::Exited(name, status) => (3, *status, &name[..]),
            Self::RuntimeExited(status) => (4, *status, &[][..]),
            Self::Connected(errno) => (5, *errno, &[][..]),
        };
        let mut record = vec![kind];
        record.extend(number.to_le_bytes());
        record.extend(name);
        record
    }

    /// Reads a record. `None` for anything that is not one.
    pub fn decode(record: &[u8]) -> Option<Self> {
        let (head, name) = record.split_first_chunk::<5>()?;
        let [kind, number @ ..] = *head;
        let number = i32::from_le_bytes(number);
        Some(match (kind, name) {
            (1, [_, ..]) => Self::Launched(name.to_vec(), number),
            (2, []) if number == 0 => Self::AllLaunched,
            (3, [_, ..]) => Self::Exited(name.to_vec(), number),
            (4, []) => Self::RuntimeExited(number),
            (5, []) => Self::Connected(number),
            _ => return None,
        })
    }
}

/// What an attendant is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Start the interpreter.
    Run,
    /// Ask the interpreter to end, by SIGTERM.
    Terminate,
    /// Connect to this port of the environment's loopback.
    Connect(u16),
}

impl Order {
    /// Bytes of a record.
    pub const SIZE: usize = 3;

    /// The record.
    pub fn encode(self) -> [u8; Self::SIZE] {
        let (kind, port) = match self {
            Self::Run => (1, 0),
            Self::Terminate => (2, 0),
            Self::Connect(port) => (3, port),
        };
        let [low, high] = port.to_le_bytes();
        [kind, low, high]
    }

    /// Reads a record. `None` for anything that is not one.
    pub fn decode(record: &[u8]) -> Option<Self> {
        match record {
            [1, 0, 0] => Some(Self::Run),
            [2, 0, 0] => Some(Self::Terminate),
            [3, low, high] => Some(Self::Connect(u16::from_le_bytes([*low, *high]))),
            _ => None,
        }
    }
}

/// Whether an extension does not get this variable, but only the interpreter does (source: the runtime interface
/// emulator).
pub(crate) fn is_for_the_runtime(variable: &[u8]) -> bool {
    const NAMES: [&str; 6] = [
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_XRAY_CONTEXT_MISSING",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    ];
    let name = variable.split(|byte| *byte == b'=').next().unwrap_or_default();
    name.starts_with(b"_") || NAMES.iter().any(|own| OsStr::new(own).as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn notice() -> impl Strategy<Value = Notice> {
        let name = || prop::collection::vec(any::<u8>(), 1..255);
        prop_oneof![
            (name(), any::<i32>()).prop_map(|(name, errno)| Notice::Launched(name, errno)),
            Just(Notice::AllLaunched),
            (name(), any::<i32>()).prop_map(|(name, status)| Notice::Exited(name, status)),
            any::<i32>().prop_map(Notice::RuntimeExited),
            any::<i32>().prop_map(Notice::Connected),
        ]
    }

    proptest! {
        #[test]
        fn notices_round_trip(notice in notice()) {
            prop_assert!(notice.encode().len() <= LARGEST_NOTICE);
            prop_assert_eq!(Notice::decode(&notice.encode()), Some(notice));
        }

        #[test]
        fn garbage_is_no_notice_or_a_whole_one(record in prop::collection::vec(any::<u8>(), 0..20)) {
            if let Some(notice) = Notice::decode(&record) {
                prop_assert_eq!(notice.encode(), record);
            }
        }
    }

    #[test]
    fn extensions_do_not_get_what_is_the_runtimes() {
        for variable in [
            "_HANDLER=x",
            "LAMBDA_TASK_ROOT=/var/task",
            "AWS_LAMBDA_LOG_GROUP_NAME=g",
        ] {
            assert!(is_for_the_runtime(variable.as_bytes()), "{variable}");
        }
        for variable in ["AWS_LAMBDA_RUNTIME_API=a", "PATH=/bin", "TABLE=LAMBDA_TASK_ROOT"] {
            assert!(!is_for_the_runtime(variable.as_bytes()), "{variable}");
        }
    }
}
