//! The variables of an execution environment.

mod fresh_start;
mod variables;

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};

pub use fresh_start::needs_fresh_start;
pub use variables::{Credentials, Environment, initial, is_reserved, variables};

/// Where a function's code is.
pub const TASK_ROOT: &str = "/var/task";
/// Where the bootstrap is.
pub const RUNTIME_DIR: &str = "/var/runtime";

/// The variables as a deferred start takes them, before any frame: u32 length (big-endian), then
/// `NAME=value` entries, each ended by NUL.
pub fn block(variables: &BTreeMap<String, String>) -> Bytes {
    let parts = variables
        .iter()
        .flat_map(|(name, value)| [name, "=", value, "\0"]);
    let entries: String = parts.collect();
    let mut block = BytesMut::with_capacity(4 + entries.len());
    block.put_u32(u32::try_from(entries.len()).expect("variables are bounded by the API"));
    block.put_slice(entries.as_bytes());
    block.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_its_length_in_front() {
        let variables = [("A", "1"), ("B", "ü=")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(block(&variables.into()), "\0\0\0\x0aA=1\0B=ü=\0".as_bytes());
        assert_eq!(block(&BTreeMap::new()), &[0; 4][..]);
    }
}
