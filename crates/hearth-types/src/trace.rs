//! The trace that an invocation belongs to, as its header says.

use std::time::SystemTime;

use uuid::Uuid;

use crate::time;

/// The caller's `X-Amzn-Trace-Id`, or a new trace that is not sampled:
/// `Root=1-<seconds in hexadecimal>-<24 digits>;Parent=<16 digits>;Sampled=0`.
pub fn of(header: Option<&str>, now: SystemTime) -> String {
    if let Some(header) = header {
        return header.to_owned();
    }
    let seconds = time::unix_millis(now) / 1000;
    let random = Uuid::new_v4().simple().to_string();
    let parent = Uuid::new_v4().simple().to_string();
    format!(
        "Root=1-{seconds:08x}-{};Parent={};Sampled=0",
        &random[..24],
        &parent[..16]
    )
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
}
