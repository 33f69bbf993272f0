//! How much is kept, for how long, and how much may wait in memory.

use std::time::Duration;

/// Bounds of a [`LogStore`](crate::LogStore).
///
/// Sizes count records as they lie on disk: the message, the stream's name and 26 bytes.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// How long events are kept after they were appended. Whole segments go at once, when their
    /// newest event is this old, so an event may stay up to an eighth longer.
    ///
    /// Default: 7 days. CloudWatch keeps logs forever; a machine's own disk cannot.
    pub retention: Duration,
    /// Most that one log group may hold, in bytes; its oldest segments make room. Default: 64 MiB.
    pub group_bytes: u64,
    /// Most that all groups together may hold, in bytes; the oldest segments of whichever group is
    /// largest make room, so that a loud function costs a quiet one nothing. Default: 1 GiB.
    pub total_bytes: u64,
    /// Size at which a segment is closed and another begun: the grain of the bounds above.
    /// Default: 4 MiB.
    pub segment_bytes: u64,
    /// What one group may hold in memory before it is written, in bytes; whoever appends more
    /// waits. One batch with an event larger than this still passes, alone. Default: 256 KiB.
    pub buffer_bytes: u32,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            retention: Duration::from_secs(7 * 24 * 60 * 60),
            group_bytes: 64 << 20,
            total_bytes: 1 << 30,
            segment_bytes: 4 << 20,
            buffer_bytes: 256 << 10,
        }
    }
}
