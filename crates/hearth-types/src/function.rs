//! Function names, qualifiers, and the four ways a client may refer to a function.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{AccountId, Region};

/// The plain name of a function: 1 to 64 letters, digits, hyphens and underscores.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FunctionName(Arc<str>);

impl FunctionName {
    /// Accepts characters of a function name; length is the API's to check (its message names the limit).
    pub fn parse(text: &str) -> Option<Self> {
        (!text.is_empty() && text.bytes().all(is_name_byte)).then(|| Self(text.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which state of a function is meant. Serialises as a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Qualifier {
    /// `$LATEST`: the unpublished state that updates change.
    #[default]
    Latest,
    /// A published, immutable version, counted from 1.
    Version(u64),
    /// A named pointer to one or two versions.
    Alias(String),
}

impl Qualifier {
    /// Reads `$LATEST`, a version number (without leading zeros) or an alias name.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "$LATEST" {
            return Some(Self::Latest);
        }
        if text.is_empty() || text.len() > 128 || !text.bytes().all(is_name_byte) {
            return None;
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return text
                .parse()
                .ok()
                .filter(|_| !text.starts_with('0'))
                .map(Self::Version);
        }
        Some(Self::Alias(text.to_owned()))
    }
}

impl Qualifier {
    /// The number of a version; 0 for what is none, which is before every version.
    pub fn number(&self) -> u64 {
        match self {
            Self::Version(number) => *number,
            Self::Latest | Self::Alias(_) => 0,
        }
    }
}

/// The text is no qualifier.
#[derive(Debug, thiserror::Error)]
#[error("not a version or alias: {0:?}")]
pub struct InvalidQualifier(String);

impl TryFrom<String> for Qualifier {
    type Error = InvalidQualifier;

    fn try_from(text: String) -> Result<Self, InvalidQualifier> {
        Self::parse(&text).ok_or(InvalidQualifier(text))
    }
}

impl From<Qualifier> for String {
    fn from(qualifier: Qualifier) -> Self {
        qualifier.to_string()
    }
}

impl fmt::Display for Qualifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("$LATEST"),
            Self::Version(number) => write!(f, "{number}"),
            Self::Alias(name) => f.write_str(name),
        }
    }
}

/// What a client wrote where the API takes a function: a name, a partial ARN
/// (`account:function:name`) or a full ARN, each with or without `:qualifier`. Parts that were not
/// written are `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionReference {
    /// The region in an ARN.
    pub region: Option<Region>,
    /// The account in a full or partial ARN.
    pub account: Option<AccountId>,
    /// The function's name.
    pub name: FunctionName,
    /// The qualifier after the name.
    pub qualifier: Option<Qualifier>,
}

/// The text is none of the accepted forms.
#[derive(Debug, thiserror::Error)]
#[error("not a function name or ARN: {0:?}")]
pub struct InvalidReference(String);

impl FunctionReference {
    /// Reads any of the forms. As in the `FunctionName` pattern of the Lambda model, each part before the
    /// name may be missing, so `arn:aws:lambda:us-east-1:123456789012:function` means a function named
    /// `function`. A region counts as one only where an ARN has it: `my-function-1:prod` is an alias.
    pub fn parse(text: &str) -> Result<Self, InvalidReference> {
        Self::read(text).ok_or_else(|| InvalidReference(text.to_owned()))
    }

    fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let mut rest = parts.as_slice();
        let mut region = None;
        let mut account = None;
        if let ["arn", partition, "lambda", tail @ ..] = rest {
            rest = tail;
            if !partition.is_empty() && !partition.starts_with("aws") {
                return None;
            }
        }
        let in_arn = rest.len() < parts.len();
        if let [first, next, ..] = rest
            && looks_like_region(first)
            && (in_arn || (rest.len() > 2 && (*next == "function" || AccountId::parse(next).is_ok())))
        {
            region = Region::parse(first).ok();
            rest = &rest[1..];
        }
        if let [first, next, ..] = rest
            && FunctionName::parse(next).is_some()
            && let Ok(digits) = AccountId::parse(first)
        {
            account = Some(digits);
            rest = &rest[1..];
        }
        if let ["function", next, ..] = rest
            && FunctionName::parse(next).is_some()
        {
            rest = &rest[1..];
        }
        let (name, qualifier) = match rest {
            [name] => (name, None),
            [name, qualifier] => (name, Some(Qualifier::parse(qualifier)?)),
            _ => return None,
        };
        Some(Self {
            region,
            account,
            name: FunctionName::parse(name)?,
            qualifier,
        })
    }
}

/// Two letters (after an optional `eusc-`) first, one digit last: the shape of AWS's region names.
fn looks_like_region(text: &str) -> bool {
    let text = text.strip_prefix("eusc-").unwrap_or(text);
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or("");
    let last = parts.next_back().unwrap_or("");
    first.len() == 2
        && last.len() == 1
        && last.bytes().all(|b| b.is_ascii_digit())
        && parts.next().is_some()
        && Region::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_four_forms_are_read() {
        let plain = FunctionReference::parse("f-1_a").unwrap();
        assert_eq!(
            (plain.name.as_str(), plain.qualifier, plain.account),
            ("f-1_a", None, None)
        );
        let qualified = FunctionReference::parse("f:$LATEST").unwrap();
        assert_eq!(qualified.qualifier, Some(Qualifier::Latest));
        let partial = FunctionReference::parse("123456789012:function:f:7").unwrap();
        assert_eq!(partial.account.unwrap().as_str(), "123456789012");
        assert_eq!(partial.qualifier, Some(Qualifier::Version(7)));
        let full = FunctionReference::parse("arn:aws:lambda:eu-west-1:123456789012:function:f:prod").unwrap();
        assert_eq!(full.region.unwrap().as_str(), "eu-west-1");
        assert_eq!(full.qualifier, Some(Qualifier::Alias("prod".into())));
    }

    #[test]
    fn parts_before_the_name_may_be_missing() {
        let name = |text: &str| FunctionReference::parse(text).unwrap().name.to_string();
        assert_eq!(name("arn:aws:lambda:us-east-1:123456789012:function"), "function");
        assert_eq!(name("arn:aws:lambda:f"), "f");
        assert_eq!(name("us-east-1:function:f"), "f");
        assert_eq!(name("function:f"), "f");
        assert_eq!(name("123456789012"), "123456789012");
        let alias = FunctionReference::parse("my-function-1:prod").unwrap();
        assert_eq!((alias.name.as_str(), alias.region), ("my-function-1", None));
        let latest = FunctionReference::parse("function:$LATEST").unwrap();
        assert_eq!(
            (latest.name.as_str(), latest.qualifier),
            ("function", Some(Qualifier::Latest))
        );
    }

    #[test]
    fn a_qualifier_is_kept_as_a_text() {
        for text in ["$LATEST", "7", "prod", "2024-01-02"] {
            let qualifier = Qualifier::parse(text).unwrap();
            let json = serde_json::to_string(&qualifier).unwrap();
            assert_eq!(json, format!("{text:?}"));
            assert_eq!(serde_json::from_str::<Qualifier>(&json).unwrap(), qualifier);
        }
        for text in [
            "",
            "$latest",
            "0",
            "007",
            "99999999999999999999",
            "a b",
            "$LATEST.PUBLISHED",
        ] {
            assert_eq!(Qualifier::parse(text), None, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let bad = [
            "",
            ":",
            "a b",
            "f:",
            "f:a:b",
            "f:$LATES",
            "../f",
            "arn:aws:s3:::b",
            "arn:aws:lambda:r:123:function:f",
            "arn:aws:lambda::123456789012:function:f",
            "arn:aws:lambda:us-east-1::function:f",
            "arn:other:lambda:us-east-1:123456789012:function:f",
            "invalid:function:name",
            "function:f:$LATEST:extra",
        ];
        for text in bad {
            assert!(FunctionReference::parse(text).is_err(), "{text}");
        }
    }
}
