//! CBOR (RFC 8949) along a shape, as far as JSON-like values need it: integers, floating-point numbers, bytes, texts,
//! arrays, maps, tags that are stepped over, and the simple values.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub(super) use read::parse;
pub(super) use write::{write, write_untyped};

/// What the first three bits of an item say it is.
mod major {
    pub(super) const UNSIGNED: u8 = 0;
    pub(super) const NEGATIVE: u8 = 1;
    pub(super) const BYTES: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const ARRAY: u8 = 4;
    pub(super) const MAP: u8 = 5;
    pub(super) const TAG: u8 = 6;
    pub(super) const OTHER: u8 = 7;
}

/// What the other five bits of an item of [`major::OTHER`] say it is.
mod other {
    pub(super) const FALSE: u8 = 20;
    pub(super) const TRUE: u8 = 21;
    pub(super) const NULL: u8 = 22;
    pub(super) const UNDEFINED: u8 = 23;
    pub(super) const HALF: u8 = 25;
    pub(super) const SINGLE: u8 = 26;
    pub(super) const DOUBLE: u8 = 27;
}

/// The tag of a time, in seconds since the Unix epoch.
const EPOCH: u64 = 1;
