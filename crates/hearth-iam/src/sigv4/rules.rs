//! What differs between services in how requests are signed.

use std::time::Duration;

/// The signing rules of one service.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The name in the credential scope.
    pub service: &'static str,
    /// How far the client's clock may be off.
    pub clock_skew: Duration,
    /// S3's ways: the path is encoded once and not normalised, the digest header is required, and the
    /// payload may stay unsigned.
    pub s3: bool,
}

impl Rules {
    /// The rules for a service, by its signing name.
    pub fn of(service: &'static str) -> Self {
        let s3 = service == "s3";
        let minutes = if s3 { 15 } else { 5 };
        Self {
            service,
            clock_skew: Duration::from_secs(minutes * 60),
            s3,
        }
    }
}
