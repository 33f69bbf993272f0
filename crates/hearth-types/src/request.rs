//! The identifier of one request, which is also the invocation's.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use crate::random;

/// A version 4 UUID: `x-amzn-RequestId`, the id in log lines and in the function's context.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RequestId(Uuid);

impl RequestId {
    /// A fresh random id.
    pub fn new() -> Self {
        Self(Builder::from_random_bytes(random::bytes()).into_uuid())
    }

    /// The id's random digits as a number: 0 or more, less than 1. Lets whoever has to choose by chance choose the
    /// same again for the same request.
    pub fn fraction(&self) -> f64 {
        const DIGITS: u64 = 1 << f64::MANTISSA_DIGITS;
        (self.0.as_u128() as u64 % DIGITS) as f64 / DIGITS as f64
    }

    /// Reads the hyphenated form.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_random_ones() {
        assert_eq!(RequestId::new().0.get_version_num(), 4);
        assert_ne!(RequestId::new(), RequestId::new());
    }

    #[test]
    fn fractions_are_spread_evenly() {
        let mut counts = [0u32; 4];
        for _ in 0..4000 {
            let fraction = RequestId::new().fraction();
            assert!((0.0..1.0).contains(&fraction));
            counts[(fraction * 4.0) as usize] += 1;
        }
        assert!(
            counts.iter().all(|count| (700..1300).contains(count)),
            "{counts:?}"
        );
        let all_ones = RequestId::parse("ffffffff-ffff-ffff-ffff-ffffffffffff").unwrap();
        assert!(all_ones.fraction() < 1.0);
    }
}
