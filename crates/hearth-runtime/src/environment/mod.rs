//! The variables of an execution environment.

mod fresh_start;
mod variables;

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};

pub use fresh_start::needs_fresh_start;
pub use variables::{Credentials, Environment, initial, is_reserved, variables};

/// Names a program that starts the interpreter.
const WRAPPER: &str = "AWS_LAMBDA_EXEC_WRAPPER";

/// The program that starts a managed runtime's interpreter in its place, where the function names one.
pub fn wrapper(variables: &BTreeMap<String, String>) -> Option<&str> {
    let wrapper = variables.get(WRAPPER).map(String::as_str);
    wrapper.filter(|path| !path.is_empty())
}

/// The variables as a deferred start takes them, before any frame: u32 length (big-endian), then entries that are each
/// ended by NUL: a [`wrapper`] or nothing, whether there are extensions (some text or nothing), and then `NAME=value`.
pub fn block(wrapper: Option<&str>, extensions: bool, variables: &BTreeMap<String, String>) -> Bytes {
    let parts = variables
        .iter()
        .flat_map(|(name, value)| [name, "=", value, "\0"]);
    let extensions = if extensions { "extensions" } else { "" };
    let entries: String = [wrapper.unwrap_or_default(), "\0", extensions, "\0"]
        .into_iter()
        .chain(parts)
        .collect();
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
        let variables = variables.into();
        assert_eq!(
            block(None, false, &variables),
            "\0\0\0\x0c\0\0A=1\0B=ü=\0".as_bytes()
        );
        assert_eq!(
            block(Some("/w"), true, &variables),
            "\0\0\0\x18/w\0extensions\0A=1\0B=ü=\0".as_bytes()
        );
        assert_eq!(block(None, false, &BTreeMap::new()), &[0, 0, 0, 2, 0, 0][..]);
    }
}
