//! The trace that an invocation belongs to, as its header says.

use std::time::SystemTime;

use crate::{random, time};

/// The longest header that is one. A trace has fewer than 200 bytes; what strangers send goes to the function in a
/// header, too, and the runtime clients of some languages end at one of 16 KiB.
const LONGEST: usize = 1024;

/// The caller's `X-Amzn-Trace-Id`, or a new trace that is not sampled:
/// `Root=1-<seconds in hexadecimal>-<24 digits>;Parent=<16 digits>;Sampled=0`.
pub fn of(header: Option<&str>, now: SystemTime) -> String {
    if let Some(header) = header.filter(|header| header.len() <= LONGEST) {
        return header.to_owned();
    }
    let seconds = time::unix_millis(now) / 1000;
    let root = u128::from_ne_bytes(random::bytes()) >> 32;
    let parent = u64::from_ne_bytes(random::bytes());
    format!("Root=1-{seconds:08x}-{root:024x};Parent={parent:016x};Sampled=0")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_callers_trace_goes_on() {
        assert_eq!(of(Some("Root=1-2-3"), UNIX_EPOCH), "Root=1-2-3");
        let fresh = of(None, UNIX_EPOCH + Duration::from_secs(0x69_55_b9_00));
        assert!(fresh.starts_with("Root=1-6955b900-"), "{fresh}");
        assert_eq!(fresh.len(), "Root=1-6955b900-;Parent=;Sampled=0".len() + 24 + 16);
    }

    #[test]
    fn what_is_too_long_is_no_trace() {
        let of_length = |length| of(Some(&"x".repeat(length)), UNIX_EPOCH);
        assert_eq!(of_length(LONGEST), "x".repeat(LONGEST));
        assert!(of_length(LONGEST + 1).starts_with("Root=1-00000000-"));
    }
}
