//! Accounts and regions: the first two parts of every key.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A twelve-digit AWS account number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId([u8; 12]);

/// The text is not twelve ASCII digits.
#[derive(Debug, thiserror::Error)]
#[error("an account is twelve digits, not {0:?}")]
pub struct InvalidAccount(String);

impl AccountId {
    /// The account of requests that name none: `000000000000`.
    pub const DEFAULT: AccountId = AccountId(*b"000000000000");

    /// Reads twelve ASCII digits.
    pub fn parse(text: &str) -> Result<Self, InvalidAccount> {
        let digits: [u8; 12] = text
            .as_bytes()
            .try_into()
            .map_err(|_| InvalidAccount(text.to_owned()))?;
        if digits.iter().all(u8::is_ascii_digit) {
            Ok(Self(digits))
        } else {
            Err(InvalidAccount(text.to_owned()))
        }
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits are ASCII")
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for AccountId {
    type Error = InvalidAccount;

    fn try_from(text: String) -> Result<Self, InvalidAccount> {
        Self::parse(&text)
    }
}

impl From<AccountId> for String {
    fn from(account: AccountId) -> String {
        account.as_str().to_owned()
    }
}

/// A region name such as `us-east-1`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(Arc<str>);

/// The text cannot be a region name.
#[derive(Debug, thiserror::Error)]
#[error("a region is 1 to 32 lower-case letters, digits and hyphens, not {0:?}")]
pub struct InvalidRegion(String);

impl Region {
    /// Reads a region name: 1 to 32 lower-case letters, digits and hyphens.
    pub fn parse(text: &str) -> Result<Self, InvalidRegion> {
        let fits = (1..=32).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits {
            Ok(Self(text.into()))
        } else {
            Err(InvalidRegion(text.to_owned()))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Region {
    /// `us-east-1`, as for clients that sign with no other region.
    fn default() -> Self {
        Self("us-east-1".into())
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Region {
    type Error = InvalidRegion;

    fn try_from(text: String) -> Result<Self, InvalidRegion> {
        Self::parse(&text)
    }
}

impl From<Region> for String {
    fn from(region: Region) -> String {
        region.as_str().to_owned()
    }
}

/// Where a resource lives: its account and region. Leads every key in the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scope {
    /// The owning account.
    pub account: AccountId,
    /// The region the resource was made in.
    pub region: Region,
}

/// Where requests go that name neither.
impl Default for Scope {
    fn default() -> Self {
        Self {
            account: AccountId::DEFAULT,
            region: Region::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_twelve_digits() {
        assert_eq!(AccountId::parse("123456789012").unwrap().as_str(), "123456789012");
        for bad in ["", "12345678901", "1234567890123", "12345678901a", "１２３４"] {
            assert!(AccountId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_region_has_no_odd_characters() {
        assert!(Region::parse("eu-central-1").is_ok());
        for bad in [
            "",
            "US-EAST-1",
            "a/b",
            "..",
            "this-name-is-far-too-long-for-a-region",
        ] {
            assert!(Region::parse(bad).is_err(), "{bad}");
        }
    }
}
