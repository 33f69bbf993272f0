//! The moment of signing, `yyyymmddThhmmssZ`.

use std::time::SystemTime;

use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc2822;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

const BASIC: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");

/// When a request says it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SigningDate {
    text: String,
    at: SystemTime,
}

impl SigningDate {
    /// The form for a string to sign.
    pub(super) fn of(at: SystemTime) -> Self {
        Self { text: format(at), at }
    }

    /// Reads ISO 8601 basic form in UTC, the only form of `X-Amz-Date`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        // The parser below takes signs and more digits of a year.
        if text.len() != 16 || !text.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let at = PrimitiveDateTime::parse(text, BASIC).ok()?.assume_utc().into();
        Some(Self {
            text: text.to_owned(),
            at,
        })
    }

    /// Reads a `Date` header, which HTTP writes in its own form.
    pub(super) fn parse_http(text: &str) -> Option<Self> {
        let at = OffsetDateTime::parse(text, &Rfc2822).ok()?;
        // Far from Greenwich a last day of the year 9999 is none here.
        let at = at.checked_to_offset(UtcOffset::UTC)?;
        Some(Self::of(at.into()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// `yyyymmdd`.
    pub(super) fn day(&self) -> &str {
        &self.text[..8]
    }

    pub(super) fn at(&self) -> SystemTime {
        self.at
    }
}

/// Writes `yyyymmddThhmmssZ`.
pub(super) fn format(at: SystemTime) -> String {
    OffsetDateTime::from(at)
        .format(BASIC)
        .expect("a date of this era has every part of the format")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_same_second() {
        let basic = SigningDate::parse("20150830T123600Z").unwrap();
        assert_eq!(basic.day(), "20150830");
        assert_eq!(SigningDate::of(basic.at()), basic);
        assert_eq!(
            SigningDate::parse_http("Sun, 30 Aug 2015 12:36:00 GMT").unwrap(),
            basic
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "",
            "20150830T123600",
            "20151330T123600Z",
            "20150830T123600+",
            "+2015083T123600Z",
            "20150830 123600Z",
            "Fri, 31 Dec 9999 23:59:59 -2359",
        ] {
            assert_eq!(SigningDate::parse(bad), None, "{bad}");
            assert_eq!(SigningDate::parse_http(bad), None, "{bad}");
        }
    }
}
