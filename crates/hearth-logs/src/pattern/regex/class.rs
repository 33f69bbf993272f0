//! Sets of characters.

/// The characters that a class tells apart: those of ASCII, and all others as one.
pub(super) const KINDS: usize = 129;

/// The kind of a character.
pub(super) fn kind(c: char) -> usize {
    (c as usize).min(KINDS - 1)
}

/// A set of kinds of characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Class {
    ascii: u128,
    others: bool,
}

impl Class {
    /// One character of ASCII.
    pub(super) fn one(c: u8) -> Self {
        Self::range(c, c)
    }

    /// Characters of ASCII, both ends included.
    pub(super) fn range(first: u8, last: u8) -> Self {
        let ascii = (first..=last).fold(0, |set, c| set | 1 << c);
        Self { ascii, others: false }
    }

    /// Every character.
    pub(super) fn all() -> Self {
        Self::default().not()
    }

    /// `\d`.
    pub(super) fn digits() -> Self {
        Self::range(b'0', b'9')
    }

    /// `\s`.
    pub(super) fn spaces() -> Self {
        Self::range(b'\t', b'\r').or(Self::one(b' '))
    }

    /// `\w`.
    pub(super) fn word() -> Self {
        let letters = Self::range(b'a', b'z').or(Self::range(b'A', b'Z'));
        letters.or(Self::digits()).or(Self::one(b'_'))
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self {
            ascii: self.ascii | other.ascii,
            others: self.others || other.others,
        }
    }

    pub(super) fn not(self) -> Self {
        Self {
            ascii: !self.ascii,
            others: !self.others,
        }
    }

    /// Whether characters of a kind are in it.
    pub(super) fn has(self, kind: usize) -> bool {
        match kind {
            0..128 => self.ascii >> kind & 1 == 1,
            _ => self.others,
        }
    }
}
