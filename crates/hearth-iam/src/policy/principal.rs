//! Whom a statement is about, and who asks.

use hearth_types::AccountId;
use hearth_wire::{Caller, CallerKind};
use serde::{Deserialize, Serialize};

/// The ends of the names that AWS services go by as principals.
const SERVICES: [&str; 3] = [".amazonaws.com", ".amazonaws.com.cn", ".amazon.com"];

/// Whom a statement is about. Serialises as in a policy document: `"*"`, `{"Service": …}`, `{"AWS": …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Principal {
    /// Everybody, also those who do not say who they are.
    #[serde(rename = "*")]
    Everybody,
    /// A service, such as `s3.amazonaws.com`.
    Service(String),
    /// An identity's ARN; that of an account's root means everybody in the account.
    #[serde(rename = "AWS")]
    Aws(String),
}

/// The text names nobody.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("The provided principal was invalid. Please check the principal and try again.")]
pub struct InvalidPrincipal;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requester<'a> {
    /// Somebody who does not say.
    Anonymous,
    /// A service.
    Service(&'a str),
    /// A proven identity.
    Identity {
        /// Its account.
        account: AccountId,
        /// Its ARN.
        arn: &'a str,
        /// The role it has taken, for a session.
        role_arn: Option<&'a str>,
    },
}

impl Principal {
    /// Reads what clients write: `*`, a service's name, an account's twelve digits, or the ARN of an identity.
    pub fn parse(text: &str) -> Result<Self, InvalidPrincipal> {
        if text == "*" {
            return Ok(Self::Everybody);
        }
        if let Ok(account) = AccountId::parse(text) {
            return Ok(Self::Aws(format!("arn:aws:iam::{account}:root")));
        }
        if SERVICES
            .iter()
            .any(|end| text.len() > end.len() && text.ends_with(end))
        {
            return Ok(Self::Service(text.to_owned()));
        }
        if is_identity(text) {
            return Ok(Self::Aws(text.to_owned()));
        }
        Err(InvalidPrincipal)
    }

    /// Whether the requester is meant.
    pub(super) fn is(&self, requester: Requester<'_>) -> bool {
        match (self, requester) {
            (Self::Everybody, _) => true,
            (Self::Service(name), Requester::Service(requester)) => name == requester,
            (
                Self::Aws(name),
                Requester::Identity {
                    account,
                    arn,
                    role_arn,
                },
            ) => name == arn || Some(name.as_str()) == role_arn || is_root_of(name, &account),
            (Self::Service(_) | Self::Aws(_), _) => false,
        }
    }
}

impl<'a> From<&'a Caller> for Requester<'a> {
    fn from(caller: &'a Caller) -> Self {
        let identity = |role_arn| Self::Identity {
            account: caller.account,
            arn: &caller.arn,
            role_arn,
        };
        match &caller.kind {
            CallerKind::Root => identity(None),
            CallerKind::Session { role_arn, .. } => identity(Some(role_arn.as_str())),
            // A development server believes who signs.
            CallerKind::Anonymous if caller.access_key.is_some() => identity(None),
            CallerKind::Anonymous => Self::Anonymous,
        }
    }
}

/// `arn:<partition>:iam|sts::<account>:<identity>`.
fn is_identity(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts[..] {
        ["arn", partition, "iam" | "sts", "", account, identity] => {
            partition.starts_with("aws") && AccountId::parse(account).is_ok() && !identity.is_empty()
        }
        _ => false,
    }
}

fn is_root_of(arn: &str, account: &AccountId) -> bool {
    is_identity(arn) && arn.ends_with(&format!("::{account}:root"))
}
