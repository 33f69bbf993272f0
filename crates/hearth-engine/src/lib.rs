//! Execution environments, admission and the life of an invocation.
#![forbid(unsafe_code)]
