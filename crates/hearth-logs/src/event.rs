//! Stored events, and the order they stand in.

use std::fmt;
use std::str::FromStr;

/// An event as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where it stands; holds its timestamp.
    pub key: EventKey,
    /// The log stream it belongs to.
    pub stream: String,
    /// When it was appended, in milliseconds since the Unix epoch.
    pub ingestion_ms: i64,
    /// The text.
    pub message: String,
}

/// Where an event stands in its group: by its timestamp, then by when it was appended. No two
/// events of a group share a key, and an event never changes its own.
///
/// Written as 56 digits, as CloudWatch writes its event ids, so that they sort as text too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventKey {
    /// When it happened, in milliseconds since the Unix epoch; not negative.
    pub timestamp_ms: i64,
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

const MAX_OFFSET: u64 = 9_999_999_999_999_999;

impl EventKey {
    /// Before every event.
    pub const FIRST: Self = Self::at(0);
    /// Behind every event.
    pub const LAST: Self = Self {
        timestamp_ms: i64::MAX,
        segment: u64::MAX,
        offset: MAX_OFFSET,
    };

    /// Before every event of this millisecond and behind all earlier ones.
    pub const fn at(timestamp_ms: i64) -> Self {
        Self {
            timestamp_ms,
            segment: 0,
            offset: 0,
        }
    }

    /// Directly behind this one.
    pub const fn next(self) -> Self {
        Self {
            offset: self.offset + 1,
            ..self
        }
    }

    /// The key whose order among such keys is the opposite of this one's among keys.
    pub(crate) const fn mirrored(self) -> Self {
        Self {
            timestamp_ms: !self.timestamp_ms,
            segment: !self.segment,
            offset: !self.offset,
        }
    }
}

impl fmt::Display for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:020}{:020}{:016}",
            self.timestamp_ms, self.segment, self.offset
        )
    }
}

/// The text is not the 56 digits of a key.
#[derive(Debug, thiserror::Error)]
#[error("not an event id")]
pub struct InvalidKey;

impl FromStr for EventKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        if text.len() != 56 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidKey);
        }
        let (timestamp, rest) = text.split_at(20);
        let (segment, offset) = rest.split_at(20);
        Ok(Self {
            timestamp_ms: timestamp.parse().map_err(|_| InvalidKey)?,
            segment: segment.parse().map_err(|_| InvalidKey)?,
            offset: offset.parse().map_err(|_| InvalidKey)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys() -> impl Strategy<Value = EventKey> {
        (0..i64::MAX, any::<u64>(), 0..MAX_OFFSET).prop_map(|(timestamp_ms, segment, offset)| EventKey {
            timestamp_ms,
            segment,
            offset,
        })
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bad in [
            "",
            "1",
            &"9".repeat(56),
            &format!("+{}", "0".repeat(55)),
            &"٣".repeat(28),
        ] {
            assert!(bad.parse::<EventKey>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn text_keeps_value_and_order(one in keys(), other in keys()) {
            prop_assert_eq!(one.to_string().parse::<EventKey>().unwrap(), one);
            prop_assert_eq!(one.to_string().cmp(&other.to_string()), one.cmp(&other));
            prop_assert_eq!(one.mirrored().cmp(&other.mirrored()), other.cmp(&one));
            prop_assert!(EventKey::FIRST <= one && one < one.next() && one.next() <= EventKey::LAST);
        }
    }
}
