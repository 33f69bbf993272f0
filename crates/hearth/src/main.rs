//! Hearth: a serverless platform in one binary.
#![forbid(unsafe_code)]

fn main() {}
