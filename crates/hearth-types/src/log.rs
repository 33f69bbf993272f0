//! One line of a function's log.

/// An event of a log stream: a line of output, or a platform line such as `START RequestId: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// When it was written, in milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// The text, without the line feed that ended it; bytes that are not UTF-8 were replaced.
    pub message: String,
}
