//! Encoded records on their way to a segment.

use hearth_types::limits::LOG_EVENT;

use crate::record::Record;

/// The earliest and the latest timestamp among some records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
}

impl Span {
    pub(crate) fn at(timestamp_ms: i64) -> Self {
        Self {
            first_ms: timestamp_ms,
            last_ms: timestamp_ms,
        }
    }

    /// The span from the earlier beginning to the later end.
    pub(crate) fn including(self, other: Self) -> Self {
        Self {
            first_ms: self.first_ms.min(other.first_ms),
            last_ms: self.last_ms.max(other.last_ms),
        }
    }

    /// The span of both; nothing and a span is that span.
    pub(crate) fn join(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.including(other)),
            _ => one.or(other),
        }
    }
}

/// Some records, ready to be written.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) records: u64,
    pub(crate) span: Option<Span>,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn push(&mut self, record: &Record<'_>) {
        record.encode(&mut self.bytes);
        self.records += 1;
        self.span = Span::join(self.span, Some(Span::at(record.timestamp_ms)));
    }

    /// Adds `later` behind what is here.
    pub(crate) fn append(&mut self, later: Batch) {
        if self.is_empty() {
            *self = later;
            return;
        }
        self.bytes.extend_from_slice(&later.bytes);
        self.records += later.records;
        self.span = Span::join(self.span, later.span);
    }
}

/// Cuts a message into pieces that each fit an event; an empty message is one empty piece.
pub(crate) fn pieces(message: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(message);
    std::iter::from_fn(move || {
        let whole = rest.take()?;
        let (piece, later) = whole.split_at(whole.floor_char_boundary(LOG_EVENT));
        rest = (!later.is_empty()).then_some(later);
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_between_characters() {
        let message = format!("{}é{}", "a".repeat(LOG_EVENT - 1), "b".repeat(LOG_EVENT));
        let cut: Vec<_> = pieces(&message).collect();
        assert_eq!(cut.concat(), message);
        assert_eq!(
            cut.iter().map(|piece| piece.len()).collect::<Vec<_>>(),
            [LOG_EVENT - 1, LOG_EVENT, 2,]
        );
        assert_eq!(pieces("").collect::<Vec<_>>(), [""]);
    }

    #[test]
    fn spans_join() {
        let (early, late) = (Some(Span::at(3)), Some(Span::at(9)));
        assert_eq!(
            Span::join(late, early),
            Some(Span {
                first_ms: 3,
                last_ms: 9
            })
        );
        assert_eq!(Span::join(None, early), early);
    }
}
