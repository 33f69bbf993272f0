//! How much is kept, and for how long.

use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The bounds of what is kept.
#[derive(Clone, Copy, Debug)]
pub struct MeteringOptions {
    /// How long minutes are told apart: 15 days, as CloudWatch does.
    pub minutes: Duration,
    /// How long hours are told apart: 455 days, as CloudWatch does.
    pub hours: Duration,
    /// Bytes of all files that are folded; what is oldest goes first, minutes before hours.
    pub total_bytes: u64,
    /// Bytes of a journal before it is folded, and of memory for what it holds.
    pub journal_bytes: u64,
}

impl Default for MeteringOptions {
    fn default() -> Self {
        Self {
            minutes: 15 * DAY,
            hours: 455 * DAY,
            total_bytes: 1 << 30,
            journal_bytes: 16 << 20,
        }
    }
}
