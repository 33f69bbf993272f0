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

/// Which state of a function is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Qualifier {
    /// `$LATEST`: the unpublished state that updates change.
    Latest,
    /// A published, immutable version, counted from 1.
    Version(u64),
    /// A named pointer to one or two versions.
    Alias(String),
}

impl Qualifier {
    /// Reads `$LATEST`, a version number or an alias name.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "$LATEST" {
            return Some(Self::Latest);
        }
        if text.is_empty() || text.len() > 128 || !text.bytes().all(is_name_byte) {
            return None;
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().ok().map(Self::Version);
        }
        Some(Self::Alias(text.to_owned()))
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

/// What a client wrote where the API takes a function: a name, `name:qualifier`, a partial ARN
/// (`account:function:name[:qualifier]`) or a full ARN. Parts that were not written are `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionReference {
    /// The region in a full ARN.
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
    /// Reads any of the four forms (pattern: the `FunctionName` shape of the Lambda model).
    pub fn parse(text: &str) -> Result<Self, InvalidReference> {
        Self::read(text).ok_or_else(|| InvalidReference(text.to_owned()))
    }

    fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (region, account, rest): (Option<&str>, Option<&str>, &[&str]) = match parts.as_slice() {
            ["arn", partition, "lambda", region, account, "function", rest @ ..]
                if partition.starts_with("aws") =>
            {
                (Some(region), Some(account), rest)
            }
            [account, "function", rest @ ..] if account.len() == 12 => (None, Some(account), rest),
            ["function", rest @ ..] if !rest.is_empty() => (None, None, rest),
            rest => (None, None, rest),
        };
        let (name, qualifier) = match rest {
            [name] => (name, None),
            [name, qualifier] => (name, Some(Qualifier::parse(qualifier)?)),
            _ => return None,
        };
        Some(Self {
            region: region.map(Region::parse).transpose().ok()?,
            account: account.map(AccountId::parse).transpose().ok()?,
            name: FunctionName::parse(name)?,
            qualifier,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_four_forms_are_read() {
        let plain = FunctionReference::parse("f-1_a").unwrap();
        assert_eq!((plain.name.as_str(), plain.qualifier, plain.account), ("f-1_a", None, None));
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
    fn other_texts_are_refused() {
        for bad in ["", ":", "a b", "f:", "f:a:b", "arn:aws:lambda:r:123:function:f", "arn:aws:s3:::b", "../f"] {
            assert!(FunctionReference::parse(bad).is_err(), "{bad}");
        }
    }
}
