//! Records on their way to a subscriber.

use std::sync::Arc;

/// Records that are sent together: as a JSON array over HTTP, as lines over TCP.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    records: Vec<Arc<str>>,
    bytes: usize,
}

impl Batch {
    /// Adds a record, a JSON text.
    pub fn push(&mut self, record: Arc<str>) {
        self.bytes += record.len();
        self.records.push(record);
    }

    /// Whether it has reached one of the limits.
    pub fn is_full(&self, max_items: usize, max_bytes: usize) -> bool {
        self.records.len() >= max_items || self.bytes >= max_bytes
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Number of records, and their bytes.
    pub fn size(&self) -> (usize, usize) {
        (self.records.len(), self.bytes)
    }

    /// A JSON array.
    pub fn array(&self) -> String {
        format!("[{}]", self.records.join(","))
    }

    /// One record a line.
    pub fn lines(&self) -> String {
        let mut lines = self.records.join("\n");
        lines.push('\n');
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_full_by_number_or_size() {
        let mut batch = Batch::default();
        assert!(batch.is_empty() && !batch.is_full(2, 10));
        batch.push("{\"a\":1}".into());
        assert!(!batch.is_full(2, 10));
        batch.push("{}".into());
        assert!(batch.is_full(2, 100) && !batch.is_full(3, 10) && batch.is_full(3, 9));
        assert_eq!(batch.array(), "[{\"a\":1},{}]");
        assert_eq!(batch.lines(), "{\"a\":1}\n{}\n");
        assert_eq!(batch.size(), (2, 9));
    }
}
